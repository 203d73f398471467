#pragma once

#include "headrace/train/graph.h"

namespace headrace {

// One convolution and a wide classifier, made to be fed by a generator of 128 x 128 images: Conv2D
// 32 3x3 relu, Flatten, Dense softmax.
Graph generator_cnn(const Shape& input, int classes);

}  // namespace headrace
