#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Moves the image along x (width) or y (height) by a distance uniform in [-v, v): a fraction of the
// output's size if v < 1, else output pixels. Continuous: between pixels by the recipe's filter.
// Keras' width_shift_range and height_shift_range of floats.
Operation width_shift();
Operation height_shift();

// The same by whole pixels, fewer than v: Keras' ranges of integers.
Operation width_shift_pixels();
Operation height_shift_pixels();

// The same by one of the numbers given, all alike likely; fractions if all are below 1: Keras'
// ranges of lists.
Operation width_shift_choices();
Operation height_shift_choices();

}  // namespace headrace
