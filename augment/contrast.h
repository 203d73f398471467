#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Moves every value away from the mean brightness of the image by a factor uniform in [low, high):
// torchvision's adjust_contrast.
Operation contrast();

}  // namespace headrace
