#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "headrace/train/optimizer.h"

namespace headrace::cpu {

// One step of the optimizer, with that learning rate, on elements [first, last) of the arenas.
// `step` counts from 1; `slots` are the state_slots() arenas of state.
void optimizer_step(const Optimizer& optimizer, double learning_rate, std::uint64_t step,
                    std::size_t first, std::size_t last, const float* gradients, float* parameters,
                    std::span<float* const> slots);

}  // namespace headrace::cpu
