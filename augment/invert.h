#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Makes a negative, with this probability: torchvision's RandomInvert.
Operation invert();

}  // namespace headrace
