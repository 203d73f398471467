#pragma once

#include <cstdint>

#include "headrace/train/cpu/bf16.h"

// For kernels that are compiled once for each instruction set, by including an .inc in a namespace
// of its own with its HEADRACE_TARGET: compilers choose instructions for vector types by the
// function's own target. Vectors are passed by reference, which is the same for all targets.
// Arrays of them say their alignment: with AddressSanitizer clang 14 stores to them as if they had
// it.
namespace headrace::cpu {

constexpr std::int64_t lanes = 16;
using Floats __attribute__((vector_size(64), aligned(4), may_alias)) = float;
using Doubles __attribute__((vector_size(64), aligned(8), may_alias)) = double;
using HalfFloats __attribute__((vector_size(32), aligned(4), may_alias)) = float;
using Ints __attribute__((vector_size(64), aligned(4), may_alias)) = std::int32_t;
using Words __attribute__((vector_size(64), aligned(4), may_alias)) = std::uint32_t;
using Shorts __attribute__((vector_size(32), aligned(2), may_alias)) = std::uint16_t;
using Bytes __attribute__((vector_size(16), aligned(1), may_alias)) = std::uint8_t;

}  // namespace headrace::cpu
