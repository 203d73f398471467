#pragma once

#include <bit>
#include <cstdint>

#include "headrace/augment/host_device.h"

namespace headrace {

// IEEE 754 binary16 and bfloat16 of a float: the nearest, ties to even; too large becomes infinity;
// NaN stays NaN.
HEADRACE_HOST_DEVICE inline std::uint16_t to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  constexpr std::uint32_t infinity = 0x7F800000u;
  constexpr std::uint32_t overflow = 0x477FF000u;  // 65,520: halfway beyond the largest
  constexpr std::uint32_t normal = 0x38800000u;    // 2^-14
  if (magnitude > infinity) {                      // the payload's upper bits, made quiet
    return static_cast<std::uint16_t>(sign | 0x7E00u | (magnitude >> 13 & 0x3FFu));
  }
  if (magnitude >= overflow) return static_cast<std::uint16_t>(sign | 0x7C00u);
  if (magnitude < normal) {
    // Adding 0.5 leaves the multiple of 2^-24 in the lowest bits, rounded by the addition.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000u));
  }
  const std::uint32_t odd = magnitude >> 13 & 1u;
  const std::uint32_t rebiased = magnitude - (std::uint32_t{127 - 15} << 23);
  return static_cast<std::uint16_t>(sign | (rebiased + 0xFFFu + odd) >> 13);
}

HEADRACE_HOST_DEVICE inline std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace headrace
