#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/augment/fixed_point.h"
#include "headrace/augment/kernels.h"

// What the kernels for AVX2 and AVX-512 share.
namespace headrace::x86 {

// Two neighbours whose weights sum to one need no more than 16 bits, and not a bit is lost:
//   mid_level(a (one - w) + b w) = 2^7 a + round(2^7 (b - a) 2 w / 2^15)          w < one
//   level(m (one - w) + n w)     = (m + 2^6 + floor((m - n) (-4 w) / 2^16)) >> 7  w <= one / 2
// The first is pmulhrsw, the second pmulhw; for larger w its neighbours change places.
inline bool is_pair(const std::int16_t* weights, int taps) {
  return taps == 2 && weights[0] > 0 && weights[1] >= 0 && weights[0] + weights[1] == fixed::one;
}

inline std::int16_t pair_factor(const std::int16_t* weights) {
  return static_cast<std::int16_t>(2 * weights[1]);
}

struct ShiftedPair {
  int near;  // elements from the first neighbour to the one with the larger weight
  int far;
  std::int16_t factor;

  ShiftedPair(int distance, std::int16_t second) {
    const bool exchange = second > fixed::one / 2;
    near = exchange ? distance : 0;
    far = exchange ? 0 : distance;
    factor = static_cast<std::int16_t>(-4 * (exchange ? fixed::one - second : second));
  }
};

struct F16 {
  std::uint16_t bits;
};
struct Bf16 {
  std::uint16_t bits;
};

// Calls `normalise_as` with `out` as an array of what is to be made.
template <class NormaliseAs>
void normalise_by_type(ElementType type, std::byte* out, const NormaliseAs& normalise_as) {
  if (type == ElementType::f16) {
    normalise_as(reinterpret_cast<F16*>(out));
  } else if (type == ElementType::bf16) {
    normalise_as(reinterpret_cast<Bf16*>(out));
  } else {
    normalise_as(reinterpret_cast<float*>(out));
  }
}

// Kernels' functions for AVX2; sample_linear's loads of single pixels gain from nothing wider.
void sample_linear(const AffineRun& run, int count, std::uint8_t* out);
void pair_rows(const std::uint8_t* above, const std::uint8_t* below, std::size_t count,
               std::uint8_t* out);
void sample_pairs(const PairedRun& run, int count, std::uint8_t* out);
void sample_places(const PairedRun& run, const std::int32_t* x, const std::int32_t* y, int count,
                   std::uint8_t* out);

// Whether the CPU has what functions called wide need: AVX-512 with VBMI and VNNI.
bool has_wide_bytes();
void sample_pairs_wide(const PairedRun& run, int count, std::uint8_t* out);
void sample_places_wide(const PairedRun& run, const std::int32_t* x, const std::int32_t* y,
                        int count, std::uint8_t* out);
// As blend_rows(), or false if these taps and weights need other code.
bool blend_bytes(const std::uint8_t* const* rows, const std::int16_t* weights, int taps,
                 std::int32_t bias, std::size_t count, std::int16_t* mid);
void look_up_wide(std::uint8_t* levels, std::size_t count, const std::uint8_t (*tables)[256],
                  std::size_t channels);

// Whether stores of whole vectors may go past the caches.
inline bool can_stream(const Normalisation& numbers, const std::byte* out) {
  constexpr std::uintptr_t widest = 64;
  return numbers.streams && reinterpret_cast<std::uintptr_t>(out) % widest == 0;
}

// What is left after the first `done` elements: less than a vector, so that no second period
// begins.
template <class T>
void normalise_rest(const std::uint8_t* in, const Normalisation& numbers, std::size_t done,
                    std::size_t count, T* out) {
  if (done == count) return;
  const std::size_t phase = done % numbers.period;
  Normalisation rest = numbers;
  rest.scale += phase;
  rest.offset += numbers.offset_repeats ? phase : done;
  portable_kernels().normalise(in + done, rest, count - done,
                               reinterpret_cast<std::byte*>(out + done));
}

}  // namespace headrace::x86
