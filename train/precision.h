#pragma once

#include <cstdint>

namespace headrace {

// The type of activations and of what convolutions and matrix products multiply. Weights, sums,
// batch statistics and the optimizer are f32 in all.
enum class Precision : std::uint8_t {
  f32,
  bf16,
  tf32,  // as f32, but that GPUs multiply only the upper 10 bits of mantissas; CPUs do as in f32
};

}  // namespace headrace
