#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Takes the colour out, with this probability: torchvision's RandomGrayscale. The three channels
// stay.
Operation grey();

}  // namespace headrace
