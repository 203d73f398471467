#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Moves the image along x (width) or y (height) by a distance uniform in [-v, v): a fraction of the
// output's size if v < 1, else output pixels. Continuous: between pixels by the recipe's filter.
// Keras' width_shift_range and height_shift_range of floats; Keras' integers, which draw whole
// pixels, have no counterpart.
Operation width_shift();
Operation height_shift();

}  // namespace headrace
