#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Moves every pixel by a smooth random field: torchvision's ElasticTransform(alpha, sigma). Noise
// uniform in [-1, 1), blurred by a Gaussian of deviation sigma and 8 sigma + 1 taps (made odd),
// times alpha / 2 pixels. Simard, Steinkraus and Platt, "Best practices for convolutional neural
// networks applied to visual document analysis", 2003.
Operation elastic();

}  // namespace headrace
