#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// A Gaussian blur of size x size taps, whose deviation is uniform in [low, high) pixels:
// torchvision's GaussianBlur(kernel_size, sigma). Borders are mirrored without the outermost pixel.
Operation blur();

}  // namespace headrace
