#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Cuts the output's size out of the image, at a place uniform among whole pixels, after so many
// pixels were put around it: torchvision's RandomCrop(size, padding). What is put there is the
// recipe's fill_mode. What is too small, even so, is placed in the middle.
Operation random_crop();

}  // namespace headrace
