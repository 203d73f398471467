#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Moves every pixel away from a slightly blurred image by a factor; below 1 it blurs, above it
// sharpens: torchvision's RandomAdjustSharpness(factor, p). The outermost pixels stay.
Operation sharpen();

}  // namespace headrace
