#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Mirrors every other image, drawn: left to right (horizontal) or top to bottom (vertical).
Operation horizontal_flip();
Operation vertical_flip();

}  // namespace headrace
