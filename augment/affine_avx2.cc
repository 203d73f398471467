#if defined(__x86_64__)

#include <immintrin.h>

#include <array>

#include "headrace/augment/fixed_point.h"
#include "headrace/augment/kernels_x86.h"

#define HEADRACE_AVX2 __attribute__((target("avx2")))

namespace headrace::x86 {
namespace {

constexpr int group = 8;  // outputs at once

// Coordinates of eight outputs along one axis, in 2^-32 pixels. Two halves in the order in which
// their low words come together again.
struct Coordinates {
  __m256i low;   // outputs 0, 1, 4, 5
  __m256i high;  // outputs 2, 3, 6, 7
  __m256i step;  // of a group

  HEADRACE_AVX2 Coordinates(std::int64_t first, std::int64_t distance) {
    constexpr std::int64_t rounding = std::int64_t{1} << (fixed::map_shift - 1);
    const std::int64_t c = first + rounding;
    low = _mm256_set_epi64x(c + 5 * distance, c + 4 * distance, c + distance, c);
    high =
        _mm256_set_epi64x(c + 7 * distance, c + 6 * distance, c + 3 * distance, c + 2 * distance);
    step = _mm256_set1_epi64x(group * distance);
  }

  // In 2^-14 pixels, and on to the next group.
  HEADRACE_AVX2 __m256i take() {
    const __m256 a = _mm256_castsi256_ps(_mm256_srli_epi64(low, fixed::map_shift));
    const __m256 b = _mm256_castsi256_ps(_mm256_srli_epi64(high, fixed::map_shift));
    low = _mm256_add_epi64(low, step);
    high = _mm256_add_epi64(high, step);
    return _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88));
  }
};

struct Places {
  __m256i index;
  __m256i second;  // weight of the greater neighbour, up to fixed::one
};

HEADRACE_AVX2 inline Places places(__m256i c, int extent) {
  const auto last = static_cast<std::int32_t>((extent - 1) * fixed::pixel);
  c = _mm256_min_epi32(_mm256_max_epi32(c, _mm256_setzero_si256()), _mm256_set1_epi32(last));
  const __m256i index =
      _mm256_min_epi32(_mm256_srai_epi32(c, fixed::coordinate_bits), _mm256_set1_epi32(extent - 2));
  return {index, _mm256_sub_epi32(c, _mm256_slli_epi32(index, fixed::coordinate_bits))};
}

HEADRACE_AVX2 inline __m128i load_8(const std::uint8_t* p) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
}

// Two pixels and their right neighbours, as 16 bits, of each of two outputs.
HEADRACE_AVX2 inline __m256i load_pixels(const std::uint8_t* a, const std::uint8_t* b) {
  const __m128d both =
      _mm_loadh_pd(_mm_castsi128_pd(load_8(a)), reinterpret_cast<const double*>(b));
  return _mm256_cvtepu8_epi16(_mm_castpd_si128(both));
}

// Levels of two outputs, as 32 bits, one output in each half. `down` holds -2 times the weight of
// the lower pixels: mid_level as kernels_x86.h has it, with the sign that lets a weight be one.
HEADRACE_AVX2 inline __m256i blend(const std::uint8_t* row, const std::uint8_t* next_row,
                                   std::size_t a, std::size_t b, __m256i down, __m256i across) {
  const __m256i top = load_pixels(row + a, row + b);
  const __m256i bottom = load_pixels(next_row + a, next_row + b);
  const __m256i difference = _mm256_slli_epi16(_mm256_sub_epi16(top, bottom), fixed::mid_bits);
  const __m256i mid = _mm256_add_epi16(_mm256_slli_epi16(top, fixed::mid_bits),
                                       _mm256_mulhrs_epi16(difference, down));
  const __m256i by_channel =
      _mm256_setr_epi8(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1,  //
                       0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1);
  constexpr int shift = fixed::weight_bits + fixed::mid_bits;
  const __m256i sum = _mm256_madd_epi16(_mm256_shuffle_epi8(mid, by_channel), across);
  return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(1 << (shift - 1))), shift);
}

// Stores 24 bytes, and 4 more of no meaning.
HEADRACE_AVX2 inline void store(__m256i a, __m256i b, __m256i c, __m256i d, std::uint8_t* out) {
  const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
  const __m256i ordered =
      _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  const __m256i dense = _mm256_shuffle_epi8(
      ordered, _mm256_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1,  //
                                0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm256_castsi256_si128(dense));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 12), _mm256_extracti128_si256(dense, 1));
}

AffineRun after(AffineRun run, int outputs) {
  run.x += outputs * run.dx;
  run.y += outputs * run.dy;
  return run;
}

}  // namespace

HEADRACE_AVX2 void sample_linear(const AffineRun& run, int count, std::uint8_t* out) {
  const Kernels& portable = portable_kernels();
  if (run.channels != 3) return portable.sample_linear(run, count, out);
  Coordinates xs(run.x, run.dx);
  Coordinates ys(run.y, run.dy);
  const std::uint8_t* origin = run.pixels + run.first;
  const std::uint8_t* next_row = origin + run.pitch;
  const int columns = run.columns;  // which the compiler could not know not to be written to
  const int rows = run.rows;
  const __m256i pitch = _mm256_set1_epi32(static_cast<std::int32_t>(run.pitch));
  // Beyond this, a load of 8 bytes in the row below would leave the pixels.
  const __m256i safe =
      _mm256_set1_epi32(static_cast<std::int32_t>(run.bytes - run.first - run.pitch - 8));
  int i = 0;
  for (; i + group <= count; i += group, out += 3 * group) {
    const Places x = places(xs.take(), columns);
    const Places y = places(ys.take(), rows);
    const __m256i offset =
        _mm256_add_epi32(_mm256_mullo_epi32(y.index, pitch),
                         _mm256_add_epi32(x.index, _mm256_slli_epi32(x.index, 1)));
    if (_mm256_movemask_epi8(_mm256_cmpgt_epi32(offset, safe)) != 0) {
      portable.sample_linear(after(run, i), group, out);
      continue;
    }
    alignas(32) std::array<std::uint32_t, group> offsets;
    _mm256_store_si256(reinterpret_cast<__m256i*>(offsets.data()), offset);
    const __m256i twice = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_slli_epi32(y.second, 1));
    const __m256i down = _mm256_blend_epi16(twice, _mm256_slli_epi32(twice, 16), 0xAA);
    const __m256i across = _mm256_add_epi32(
        _mm256_sub_epi32(_mm256_set1_epi32(fixed::one), x.second), _mm256_slli_epi32(x.second, 16));
    const auto pair = [&](int k) HEADRACE_AVX2 {
      const __m256i two =
          _mm256_setr_epi32(2 * k, 2 * k, 2 * k, 2 * k, 2 * k + 1, 2 * k + 1, 2 * k + 1, 2 * k + 1);
      const auto at = static_cast<std::size_t>(2 * k);
      return blend(origin, next_row, offsets[at], offsets[at + 1],
                   _mm256_permutevar8x32_epi32(down, two),
                   _mm256_permutevar8x32_epi32(across, two));
    };
    store(pair(0), pair(1), pair(2), pair(3), out);
  }
  if (i < count) portable.sample_linear(after(run, i), count - i, out);
}

}  // namespace headrace::x86

#endif
