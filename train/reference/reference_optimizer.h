#pragma once

#include <vector>

#include "headrace/train/optimizer.h"
#include "headrace/train/reference/reference_layers.h"

namespace headrace::reference {

// One step of the optimizer on one parameter in double precision. `slots` holds state_slots()
// values for each of its elements, zero at first; `t` counts from 1.
void update(const Optimizer& optimizer, int t, const Values& gradient, Values& parameter,
            std::vector<Values>& slots);

}  // namespace headrace::reference
