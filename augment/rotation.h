#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Turns the image about its centre by an angle uniform in [-v, v) degrees: Keras' rotation_range.
Operation rotation();

}  // namespace headrace
