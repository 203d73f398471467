#pragma once

#include <cstdint>

namespace headrace {

// IEEE 754 binary16 and bfloat16 of a float: the nearest, ties to even; too large becomes infinity;
// NaN stays NaN.
std::uint16_t to_f16(float value);
std::uint16_t to_bf16(float value);

}  // namespace headrace
