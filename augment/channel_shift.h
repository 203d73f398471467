#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Adds one number, uniform in [-v, v), to all values, clipped to what the image itself spans:
// Keras' channel_shift_range. Levels are rounded.
Operation channel_shift();

}  // namespace headrace
