#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Tilts the image, with a probability: torchvision's RandomPerspective(distortion, p). Each corner
// moves inwards, across and down, by up to `distortion` of half the extent, uniformly by whole
// pixels. Outside, the recipe's fill_mode holds (torchvision: constant, 0).
Operation perspective();

}  // namespace headrace
