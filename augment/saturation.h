#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Moves every pixel away from its own grey by a factor uniform in [low, high): torchvision's
// adjust_saturation. Images that are not of three channels stay as they are.
Operation saturation();

}  // namespace headrace
