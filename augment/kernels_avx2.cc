#include "headrace/augment/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "headrace/augment/fixed_point.h"

#define HEADRACE_AVX2 __attribute__((target("avx2")))

namespace headrace {
namespace {

HEADRACE_AVX2 inline __m256i load_u8_as_i16(const std::uint8_t* p) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

// Two weights, for a multiply-add of neighbouring 16-bit values.
HEADRACE_AVX2 inline __m256i weight_pair(std::int16_t first, std::int16_t second) {
  return _mm256_set1_epi32(static_cast<std::int32_t>(
      static_cast<std::uint32_t>(static_cast<std::uint16_t>(first)) |
      static_cast<std::uint32_t>(static_cast<std::uint16_t>(second)) << 16));
}

HEADRACE_AVX2 inline __m256i to_mid(__m256i low, __m256i high) {
  constexpr int shift = fixed::weight_bits - fixed::mid_bits;
  const __m256i half = _mm256_set1_epi32(1 << (shift - 1));
  return _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(low, half), shift),
                            _mm256_srai_epi32(_mm256_add_epi32(high, half), shift));
}

// 16 mid levels. Taps go in pairs; the unpacked halves come back in order when they are packed.
HEADRACE_AVX2 inline __m256i blend_16(const std::uint8_t* const* rows, const std::int16_t* weights,
                                      int taps, __m256i bias, std::size_t e) {
  __m256i low = bias;
  __m256i high = bias;
  int t = 0;
  for (; t + 1 < taps; t += 2) {
    const __m256i pair = weight_pair(weights[t], weights[t + 1]);
    const __m256i a = load_u8_as_i16(rows[t] + e);
    const __m256i b = load_u8_as_i16(rows[t + 1] + e);
    low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), pair));
    high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), pair));
  }
  if (t < taps) {
    const __m256i single = weight_pair(weights[t], 0);
    const __m256i a = load_u8_as_i16(rows[t] + e);
    const __m256i zero = _mm256_setzero_si256();
    low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, zero), single));
    high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, zero), single));
  }
  return to_mid(low, high);
}

HEADRACE_AVX2 inline void store(std::int16_t* p, __m256i v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
}

HEADRACE_AVX2 void blend_rows(const std::uint8_t* const* rows, const std::int16_t* weights,
                              int taps, std::int32_t bias, std::size_t count, std::int16_t* mid) {
  const __m256i sum = _mm256_set1_epi32(bias);
  if (count < 16) {
    portable_kernels().blend_rows(rows, weights, taps, bias, count, mid);
    return;
  }
  if (taps == 1 && weights[0] == fixed::one) {  // bias is 0 then
    std::size_t e = 0;
    for (; e + 16 <= count; e += 16) {
      store(mid + e, _mm256_slli_epi16(load_u8_as_i16(rows[0] + e), fixed::mid_bits));
    }
    e = count - 16;
    store(mid + e, _mm256_slli_epi16(load_u8_as_i16(rows[0] + e), fixed::mid_bits));
    return;
  }
  std::size_t e = 0;
  for (; e + 16 <= count; e += 16) store(mid + e, blend_16(rows, weights, taps, sum, e));
  if (e < count) store(mid + count - 16, blend_16(rows, weights, taps, sum, count - 16));
}

HEADRACE_AVX2 inline __m256i shift_16(const std::int16_t* mid, int distance, __m256i pair) {
  constexpr int shift = fixed::weight_bits + fixed::mid_bits;
  const __m256i half = _mm256_set1_epi32(1 << (shift - 1));
  const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mid));
  const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mid + distance));
  const __m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), pair);
  const __m256i high = _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), pair);
  return _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(low, half), shift),
                            _mm256_srai_epi32(_mm256_add_epi32(high, half), shift));
}

HEADRACE_AVX2 void blend_shifted(const std::int16_t* mid, int distance, std::int16_t left,
                                 std::int16_t right, std::size_t count, std::uint8_t* out) {
  const __m256i pair = weight_pair(left, right);
  for (std::size_t e = 0; e < count; e += 32) {
    const __m256i first = shift_16(mid + e, distance, pair);
    const __m256i second = shift_16(mid + e + 16, distance, pair);
    const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(first, second), 0xD8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + e), bytes);
  }
}

// Pixels of 3 or 4 channels: four taps at a time, two in each half of a register, brought into
// pairs of one channel by a shuffle.
HEADRACE_AVX2 void blend_colour_columns(const std::int16_t* mid, const ColumnBlend& blend,
                                        std::uint8_t* out) {
  constexpr int shift = fixed::weight_bits + fixed::mid_bits;
  const int channels = blend.channels;
  const __m256i to_pairs = channels == 3
                               ? _mm256_broadcastsi128_si256(_mm_setr_epi8(
                                     0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, 12, 13, 14, 15))
                               : _mm256_broadcastsi128_si256(_mm_setr_epi8(
                                     0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
  const __m256i weight_halves = _mm256_setr_epi8(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3,  //
                                                 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7);
  const std::int16_t* weights = blend.weights;
  for (int x = 0; x < blend.width; ++x, weights += blend.stride, out += channels) {
    const std::int16_t* p = mid + static_cast<std::ptrdiff_t>(blend.first[x]) * channels;
    __m256i sum = _mm256_setzero_si256();
    for (int t = 0; t < blend.stride; t += 4, p += 4 * channels) {
      const __m256i pixels = _mm256_loadu2_m128i(reinterpret_cast<const __m128i*>(p + 2 * channels),
                                                 reinterpret_cast<const __m128i*>(p));
      long long four = 0;
      std::memcpy(&four, weights + t, sizeof four);
      const __m256i w = _mm256_shuffle_epi8(_mm256_set1_epi64x(four), weight_halves);
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, to_pairs), w));
    }
    __m128i total = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    total = _mm_add_epi32(total, _mm_set1_epi32(blend.bias[x] + (1 << (shift - 1))));
    total = _mm_srai_epi32(total, shift);
    total = _mm_packus_epi16(_mm_packs_epi32(total, total), total);
    const int bytes = _mm_cvtsi128_si32(total);
    std::memcpy(out, &bytes, sizeof bytes);
  }
}

HEADRACE_AVX2 void blend_grey_columns(const std::int16_t* mid, const ColumnBlend& blend,
                                      std::uint8_t* out) {
  const std::int16_t* weights = blend.weights;
  for (int x = 0; x < blend.width; ++x, weights += blend.stride) {
    const std::int16_t* p = mid + blend.first[x];
    __m128i sum = _mm_setzero_si128();
    for (int t = 0; t < blend.stride; t += 4) {
      const __m128i pixels = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p + t));
      const __m128i w = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(weights + t));
      sum = _mm_add_epi32(sum, _mm_madd_epi16(pixels, w));
    }
    const std::int32_t total = blend.bias[x] + _mm_cvtsi128_si32(sum) + _mm_extract_epi32(sum, 1);
    out[x] = static_cast<std::uint8_t>(fixed::level(total));
  }
}

HEADRACE_AVX2 void blend_columns(const std::int16_t* mid, const ColumnBlend& blend,
                                 std::uint8_t* out) {
  if (blend.channels == 3 || blend.channels == 4) {
    blend_colour_columns(mid, blend, out);
  } else if (blend.channels == 1) {
    blend_grey_columns(mid, blend, out);
  } else {
    portable_kernels().blend_columns(mid, blend, out);
  }
}

// As many whole pixels as 16 bytes hold at a time, from the end of `in` backwards.
HEADRACE_AVX2 void mirror(const std::uint8_t* in, int width, int channels, std::uint8_t* out) {
  const int pixels = channels <= 4 ? 16 / channels : 0;
  if (width < pixels || pixels == 0) {
    portable_kernels().mirror(in, width, channels, out);
    return;
  }
  alignas(16) std::uint8_t order[16];
  for (int b = 0; b < 16; ++b) order[b] = 0x80;
  for (int p = 0; p < pixels; ++p) {
    for (int c = 0; c < channels; ++c) {
      order[p * channels + c] = static_cast<std::uint8_t>((pixels - 1 - p) * channels + c);
    }
  }
  const __m128i shuffle = _mm_load_si128(reinterpret_cast<const __m128i*>(order));
  const auto move = [&](int from, int to) __attribute__((target("avx2"))) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + from * channels));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + to * channels), _mm_shuffle_epi8(v, shuffle));
  };
  // In the order of the output, so that what a store writes beyond its pixels is written over; the
  // rest at the end is made by one more, overlapping.
  int x = 0;
  for (; x + pixels <= width; x += pixels) move(width - pixels - x, x);
  if (x < width) move(0, width - pixels);
}

HEADRACE_AVX2 inline void normalise_8(const std::uint8_t* in, __m256 scale, const float* offset,
                                      float* out) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(in));
  const __m256 value = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
  _mm256_storeu_ps(out, _mm256_add_ps(_mm256_mul_ps(value, scale), _mm256_loadu_ps(offset)));
}

HEADRACE_AVX2 void normalise(const std::uint8_t* in, float scale, const float* offset,
                             std::size_t count, float* out) {
  if (count < 8) {
    portable_kernels().normalise(in, scale, offset, count, out);
    return;
  }
  const __m256 factor = _mm256_set1_ps(scale);
  std::size_t e = 0;
  for (; e + 8 <= count; e += 8) normalise_8(in + e, factor, offset + e, out + e);
  if (e < count) {
    e = count - 8;
    normalise_8(in + e, factor, offset + e, out + e);
  }
}

}  // namespace

const Kernels* avx2_kernels() {
  static const Kernels kernels = {"avx2",        blend_rows, blend_shifted,
                                  blend_columns, mirror,     normalise};
  return __builtin_cpu_supports("avx2") != 0 ? &kernels : nullptr;
}

}  // namespace headrace

#else

namespace headrace {
const Kernels* avx2_kernels() { return nullptr; }
}  // namespace headrace

#endif
