#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Turns the hue by a share of the full circle, uniform in [low, high), from -0.5 to 0.5:
// torchvision's adjust_hue. Images that are not of three channels stay as they are.
Operation hue();

}  // namespace headrace
