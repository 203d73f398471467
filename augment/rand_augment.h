#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// So many operations, each drawn from the same fourteen, all of one magnitude of 0 to 30 (9):
// torchvision's RandAugment(num_ops, magnitude). Cubuk et al., "RandAugment", 2019.
Operation rand_augment();

// One operation, of a magnitude drawn from 31: torchvision's TrivialAugmentWide. Müller and Hutter,
// "TrivialAugment", 2021.
Operation trivial_augment();

}  // namespace headrace
