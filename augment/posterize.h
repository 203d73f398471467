#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Keeps so many of a level's 8 bits: torchvision's RandomPosterize(bits, p). Values of f32 are
// rounded down to multiples of the lowest bit kept.
Operation posterize();

}  // namespace headrace
