#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Makes all levels of a channel alike frequent, with this probability: torchvision's
// RandomEqualize. Values of f32 are cut to whole levels first.
Operation equalize();

}  // namespace headrace
