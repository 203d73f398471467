#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// One of 25 pairs of operations, each with its own probability and magnitude, that were learned on
// ImageNet, CIFAR-10 or SVHN: torchvision's AutoAugment(policy). Cubuk et al., "AutoAugment", 2018.
Operation auto_augment();

}  // namespace headrace
