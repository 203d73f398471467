#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Stretches each channel to the whole of [0, 255], with this probability: torchvision's
// RandomAutocontrast. A channel of one value stays.
Operation autocontrast();

}  // namespace headrace
