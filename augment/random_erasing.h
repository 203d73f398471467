#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Makes a rectangle of one level, with a probability: torchvision's RandomErasing(p, scale, ratio,
// value), before normalisation. Up to ten times, a share of the area uniform in [low, high) and a
// height / width whose logarithm is uniform in that of [0.3, 3.3) give a rectangle; the first that
// is smaller than the image is placed uniformly. Zhong et al., "Random erasing", 2017.
Operation random_erasing();

// A square of so many pixels of one level, its centre anywhere in the image. DeVries and Taylor,
// "Improved regularization of convolutional neural networks with cutout", 2017.
Operation cutout();

}  // namespace headrace
