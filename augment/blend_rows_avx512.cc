#if defined(__x86_64__)

#include <algorithm>
#include <array>

#include "headrace/augment/avx512.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/augment/kernels_x86.h"

namespace headrace::x86 {
namespace {

// Weights in two parts of a byte, w = 2^7 a + b with b in [-2^6, 2^6), so that four levels are
// weighed at a time; nor is a bit lost, since the first part of a mid level is a whole one:
//   mid_level(s) = sum of levels * a + (sum of levels * b + 2^6) >> 7
struct ByteWeights {
  std::int32_t first = 0;  // of four taps, a byte each
  std::int32_t second = 0;

  // False if a weight has no such parts.
  bool set(const std::int16_t* weights, int taps) {
    constexpr int part = 1 << fixed::mid_bits;
    first = second = 0;
    for (int t = 0; t < std::min(taps, 4); ++t) {
      const int b = (weights[t] + part / 2) % part - part / 2;
      const int a = (weights[t] - b) / part;
      if (weights[t] < 0 || a >= part) return false;
      first |= a << (8 * t);
      second |= static_cast<std::int32_t>(static_cast<std::uint32_t>(b & 0xFF) << (8 * t));
    }
    return true;
  }
};

constexpr int most_byte_taps = 16;

// Sixty-four elements at a time, in the order in which unpacking leaves them.
HEADRACE_WIDE inline void blend_64(const std::uint8_t* const* rows, const ByteWeights* weights,
                                   int taps, std::int32_t bias, std::size_t e, __mmask64 valid,
                                   std::int16_t* mid) {
  constexpr int part = 1 << fixed::mid_bits;
  __m512i first[4];
  __m512i second[4];
  for (int i = 0; i < 4; ++i) {
    first[i] = _mm512_set1_epi32(bias / part);
    second[i] = _mm512_set1_epi32(bias % part + part / 2);
  }
  for (int t = 0; t < taps; t += 4, ++weights) {
    const auto row = [&](int i) HEADRACE_WIDE {
      return _mm512_maskz_loadu_epi8(valid, rows[std::min(t + i, taps - 1)] + e);
    };
    const __m512i a = row(0);
    const __m512i b = row(1);
    const __m512i c = row(2);
    const __m512i d = row(3);
    const __m512i low_ab = _mm512_unpacklo_epi8(a, b);
    const __m512i high_ab = _mm512_unpackhi_epi8(a, b);
    const __m512i low_cd = _mm512_unpacklo_epi8(c, d);
    const __m512i high_cd = _mm512_unpackhi_epi8(c, d);
    const __m512i fours[4] = {
        _mm512_unpacklo_epi16(low_ab, low_cd), _mm512_unpackhi_epi16(low_ab, low_cd),
        _mm512_unpacklo_epi16(high_ab, high_cd), _mm512_unpackhi_epi16(high_ab, high_cd)};
    const __m512i first_weights = _mm512_set1_epi32(weights->first);
    const __m512i second_weights = _mm512_set1_epi32(weights->second);
    for (int i = 0; i < 4; ++i) {
      first[i] = _mm512_dpbusd_epi32(first[i], fours[i], first_weights);
      second[i] = _mm512_dpbusd_epi32(second[i], fours[i], second_weights);
    }
  }
  for (int i = 0; i < 4; ++i) {
    first[i] = _mm512_add_epi32(first[i], _mm512_srai_epi32(second[i], fixed::mid_bits));
  }
  const __m512i low = _mm512_packs_epi32(first[0], first[1]);
  const __m512i high = _mm512_packs_epi32(first[2], first[3]);
  const __m512i front = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i back = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  _mm512_storeu_si512(mid + e, _mm512_permutex2var_epi64(low, front, high));
  _mm512_storeu_si512(mid + e + 32, _mm512_permutex2var_epi64(low, back, high));
}

}  // namespace

HEADRACE_WIDE bool blend_bytes(const std::uint8_t* const* rows, const std::int16_t* weights,
                               int taps, std::int32_t bias, std::size_t count, std::int16_t* mid) {
  if (taps <= 2 || taps > most_byte_taps) return false;
  std::array<ByteWeights, most_byte_taps / 4> parts;
  for (int t = 0; t < taps; t += 4) {
    if (!parts[static_cast<std::size_t>(t / 4)].set(weights + t, taps - t)) return false;
  }
  std::size_t e = 0;
  for (; e + 64 <= count; e += 64) {
    blend_64(rows, parts.data(), taps, bias, e, ~__mmask64{0}, mid);
  }
  if (e < count) {
    blend_64(rows, parts.data(), taps, bias, e, (__mmask64{1} << (count - e)) - 1, mid);
  }
  return true;
}

}  // namespace headrace::x86

#endif
