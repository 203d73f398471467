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

// To 1.4e-7: for |x| < 1 a polynomial, beyond it 1 - e^(-x^2) q(1 / (1 + |x| / 2)), both the best
// of their degrees.
inline __attribute__((always_inline)) float error_function(float x) {
  const float s = x * x;
  float p = 7.85385782e-5f;
  p = p * s - 8.01019254e-4f;
  p = p * s + 5.18832775e-3f;
  p = p * s - 2.68538110e-2f;
  p = p * s + 1.12835854e-1f;
  p = p * s - 3.76126260e-1f;
  p = p * s + 1.12837911f;
  const float size = x < 0.0f ? -x : x;
  const float a = size > 4.0f ? 4.0f : size;
  const float t = 1.0f / (1.0f + 0.5f * a);
  float q = 6.65177498e-3f;
  q = q * t - 2.54084408e-1f;
  q = q * t + 6.70543134e-1f;
  q = q * t - 9.06536952e-2f;
  q = q * t + 4.08165157e-1f;
  q = q * t + 2.57079482e-1f;
  q = q * t + 2.07362254e-3f;
  const float large = 1.0f - power_of_e(-a * a) * q;
  return s < 1.0f ? x * p : (x < 0.0f ? -large : large);
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
