#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Multiplies by a factor uniform in [low, high): Keras' brightness_range, torchvision's
// adjust_brightness. Values of f32 are multiplied and no more; Keras squeezes them through u8.
Operation brightness();

}  // namespace headrace
