#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// torchvision's ColorJitter(brightness, contrast, saturation, hue): the first three are factors
// uniform in [max(0, 1 - v), 1 + v), hue turns by up to v either way; in an order that is drawn.
// One of 0 is left out.
Operation color_jitter();

}  // namespace headrace
