#pragma once

#include "headrace/train/graph.h"

namespace headrace {

// A small network for small images: Conv2D 32 3x3 relu, MaxPooling2D 2x2, Flatten, Dense softmax.
Graph mnist_cnn(const Shape& input, int classes);

}  // namespace headrace
