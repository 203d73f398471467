#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Scales width and height about the centre, each by a factor of its own, uniform in [low, high):
// Keras' zoom_range. What is seen becomes so many times wider and higher, so factors above 1 make
// things smaller.
Operation zoom();

}  // namespace headrace
