#pragma once

#include <bit>
#include <cstdint>

namespace headrace::cpu {

// The upper half of a float.
struct Bf16 {
  std::uint16_t bits;
};

inline float to_float(float value) { return value; }
inline float to_float(Bf16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}

inline void assign(float& to, float value) { to = value; }
// Rounds to the nearest, ties to even; a NaN stays one.
inline void assign(Bf16& to, float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const std::uint32_t quiet = (bits >> 16) | 0x40;
  to.bits = static_cast<std::uint16_t>(value != value ? quiet : rounded);
}

}  // namespace headrace::cpu
