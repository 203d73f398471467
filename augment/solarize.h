#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Inverts what is not darker than a threshold: torchvision's RandomSolarize(threshold, p).
Operation solarize();

}  // namespace headrace
