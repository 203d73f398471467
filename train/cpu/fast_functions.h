#pragma once

#include <bit>
#include <cstdint>

namespace headrace::cpu {

// e^x by 2^n e^r with |r| <= ln 2 / 2 and a polynomial for e^r (Cephes' expf), in operations that
// compilers make vectors of.
inline __attribute__((always_inline)) float power_of_e(float x) {
  x = x > 88.0f ? 88.0f : (x < -87.0f ? -87.0f : x);
  const float shifted = x * 1.44269504f + 12582912.0f;  // 1.5 * 2^23: rounds to a whole number
  const float n = shifted - 12582912.0f;
  const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const auto exponent = (std::bit_cast<std::uint32_t>(shifted) + 127) << 23;
  return p * std::bit_cast<float>(exponent);
}

inline __attribute__((always_inline)) float logistic(float x) {
  return 1.0f / (1.0f + power_of_e(-x));
}

inline __attribute__((always_inline)) float hyperbolic_tangent(float x) {
  const float large = 1.0f - 2.0f / (power_of_e(2.0f * x) + 1.0f);
  const float s = x * x;
  const float small =
      x + x * s *
              (-0.333333333f +
               s * (0.133333333f + s * (-0.0539682540f + s * (0.0218694885f - s * 0.0088632355f))));
  return s < 0.0625f ? small : large;
}

}  // namespace headrace::cpu
