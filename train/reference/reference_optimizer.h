#pragma once

#include <string>
#include <vector>

#include "headrace/train/optimizer.h"
#include "headrace/train/reference/reference_layers.h"

namespace headrace::reference {

// Clips the gradients of all parameters, as the options have it.
void clip(const UpdateOptions& options, std::vector<Values>& gradients);

// One step of the optimizer on one parameter in double precision, its gradient clipped. `slots`
// holds state_slots() values for each of its elements, zero at first; `t` counts from 1; the name
// tells whether it decays.
void update(const Optimizer& optimizer, int t, const Values& gradient, Values& parameter,
            std::vector<Values>& slots, const std::string& name = "");

}  // namespace headrace::reference
