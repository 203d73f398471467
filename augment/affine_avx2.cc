#if defined(__x86_64__)

#include <immintrin.h>

#include "headrace/augment/fixed_point.h"
#include "headrace/augment/kernels_x86.h"

#define HEADRACE_AVX2 __attribute__((target("avx2")))

namespace headrace::x86 {
namespace {

constexpr int group = 8;  // outputs at once

// Coordinates of eight outputs along one axis, in 2^-46 pixels, of which the upper halves are in
// 2^-14. In the order in which those come together again.
struct Coordinates {
  __m256i low;   // outputs 0, 1, 4, 5
  __m256i high;  // outputs 2, 3, 6, 7
  __m256i step;  // of a group

  HEADRACE_AVX2 Coordinates(std::int64_t first, std::int64_t distance) {
    constexpr std::int64_t rounding = std::int64_t{1} << (fixed::map_shift - 1);
    constexpr int shift = 32 - fixed::map_shift;
    const std::int64_t c = first + rounding;
    low = _mm256_slli_epi64(_mm256_set_epi64x(c + 5 * distance, c + 4 * distance, c + distance, c),
                            shift);
    const __m256i d = _mm256_slli_epi64(_mm256_set1_epi64x(distance), shift);
    high = _mm256_add_epi64(low, _mm256_slli_epi64(d, 1));
    step = _mm256_slli_epi64(d, 3);
  }

  // In 2^-14 pixels, and on to the next group.
  HEADRACE_AVX2 __m256i take() {
    const __m256 a = _mm256_castsi256_ps(low);
    const __m256 b = _mm256_castsi256_ps(high);
    low = _mm256_add_epi64(low, step);
    high = _mm256_add_epi64(high, step);
    return _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xDD));
  }
};

// Coordinates of outputs one by one, in 2^-14 pixels.
struct Listed {
  const std::int32_t* next;
  __m256i origin;

  HEADRACE_AVX2 Listed(const std::int32_t* coordinates, std::int64_t from)
      : next(coordinates),
        origin(_mm256_set1_epi32(static_cast<std::int32_t>(from >> fixed::map_shift))) {}

  HEADRACE_AVX2 __m256i take() {
    const __m256i c = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(next));
    next += group;
    return _mm256_add_epi32(c, origin);
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

HEADRACE_AVX2 inline __m256i pack(__m256i a, __m256i b, __m256i c, __m256i d) {
  return _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
}

// Stores 24 bytes, and 4 more of no meaning, of eight outputs of three levels and one byte.
HEADRACE_AVX2 inline void store(__m256i bytes, std::uint8_t* out) {
  const __m256i dense = _mm256_shuffle_epi8(
      bytes, _mm256_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1,  //
                              0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm256_castsi256_si128(dense));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 12), _mm256_extracti128_si256(dense, 1));
}

// What PairedRun::Border says, of eight coordinates.
template <PairedRun::Beyond beyond>
struct Border {
  __m256i last;
  __m256i low;
  __m256i high;
  __m256i period;

  HEADRACE_AVX2 explicit Border(const PairedRun::Border& border)
      : last(_mm256_set1_epi32(border.last)),
        low(_mm256_set1_epi32(border.low)),
        high(_mm256_set1_epi32(border.high)),
        period(_mm256_set1_epi32(border.period)) {}

  HEADRACE_AVX2 __m256i enter(__m256i c) const {
    if constexpr (beyond == PairedRun::Beyond::mirror) {
      c = _mm256_max_epi32(c, _mm256_sub_epi32(low, c));
      c = _mm256_min_epi32(c, _mm256_sub_epi32(high, c));
    } else if constexpr (beyond == PairedRun::Beyond::repeat) {
      const __m256i below = _mm256_srai_epi32(c, 31);
      const __m256i above = _mm256_cmpgt_epi32(c, high);
      c = _mm256_add_epi32(c, _mm256_and_si256(below, period));
      c = _mm256_sub_epi32(c, _mm256_and_si256(above, period));
    }
    return _mm256_min_epi32(_mm256_max_epi32(c, _mm256_setzero_si256()), last);
  }
};

// Volatile, since compilers would take them out of the register one by one, which is slower.
using Offsets = volatile std::uint32_t[group];

// Level sums of outputs k and k + 4 of a group, whose pairs begin at a and b.
template <int k>
HEADRACE_AVX2 inline __m256i blend_pairs(const std::uint8_t* a, const std::uint8_t* b, __m256i down,
                                         __m256i across) {
  constexpr char low = 4 * k;
  constexpr char high = 4 * k + 1;
  const __m256i pairs = _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a))),
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(b)), 1);
  // The upper levels, of the other sign, and how the lower ones differ from them, in 2^-7.
  const __m256i upper = _mm256_maddubs_epi16(pairs, _mm256_set1_epi16(0x0080));
  const __m256i difference = _mm256_maddubs_epi16(pairs, _mm256_set1_epi16(0x40C0));
  const __m256i second = _mm256_shuffle_epi8(down, _mm256_set1_epi16(high << 8 | low));
  const __m256i mid = _mm256_sub_epi16(
      _mm256_mulhrs_epi16(_mm256_add_epi16(difference, difference), second), upper);
  const __m256i by_channel =
      _mm256_setr_epi8(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1,  //
                       0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1);
  constexpr int shift = fixed::weight_bits + fixed::mid_bits;
  const __m256i sum = _mm256_madd_epi16(_mm256_shuffle_epi8(mid, by_channel),
                                        _mm256_shuffle_epi32(across, k * 0x55));
  return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(1 << (shift - 1))), shift);
}

template <PairedRun::Beyond beyond, class Along>
HEADRACE_AVX2 void sample_pairs_of(const PairedRun& run, Along xs, Along ys, int count,
                                   std::uint8_t* out) {
  const Border<beyond> x_border(run.across);
  const Border<beyond> y_border(run.down);
  const std::uint8_t* pixels = run.pixels;
  const __m256i strides = _mm256_set1_epi32(6 << 16 | run.pitch);
  const __m256i fraction = _mm256_set1_epi32(fixed::pixel - 1);
  for (int i = 0; i < count; i += group, out += 3 * group) {
    const __m256i x = x_border.enter(xs.take());
    const __m256i y = y_border.enter(ys.take());
    const __m256i indices =
        _mm256_blend_epi16(_mm256_srli_epi32(y, fixed::coordinate_bits),
                           _mm256_slli_epi32(x, 16 - fixed::coordinate_bits), 0xAA);
    alignas(32) Offsets offsets;
    _mm256_store_si256(reinterpret_cast<__m256i*>(const_cast<std::uint32_t*>(offsets)),
                       _mm256_madd_epi16(indices, strides));
    const __m256i second = _mm256_and_si256(x, fraction);
    const __m256i across = _mm256_add_epi32(_mm256_sub_epi32(_mm256_set1_epi32(fixed::one), second),
                                            _mm256_slli_epi32(second, 16));
    const __m256i down = _mm256_slli_epi32(_mm256_and_si256(y, fraction), 1);
    store(pack(blend_pairs<0>(pixels + offsets[0], pixels + offsets[4], down, across),
               blend_pairs<1>(pixels + offsets[1], pixels + offsets[5], down, across),
               blend_pairs<2>(pixels + offsets[2], pixels + offsets[6], down, across),
               blend_pairs<3>(pixels + offsets[3], pixels + offsets[7], down, across)),
          out);
  }
}

template <class Along>
HEADRACE_AVX2 void sample_along(const PairedRun& run, const Along& xs, const Along& ys, int count,
                                std::uint8_t* out) {
  switch (run.beyond) {
    case PairedRun::Beyond::nearest:
      return sample_pairs_of<PairedRun::Beyond::nearest>(run, xs, ys, count, out);
    case PairedRun::Beyond::mirror:
      return sample_pairs_of<PairedRun::Beyond::mirror>(run, xs, ys, count, out);
    case PairedRun::Beyond::repeat:
      return sample_pairs_of<PairedRun::Beyond::repeat>(run, xs, ys, count, out);
  }
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
    alignas(32) Offsets offsets;
    _mm256_store_si256(reinterpret_cast<__m256i*>(const_cast<std::uint32_t*>(offsets)), offset);
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
    const __m256i bytes = pack(pair(0), pair(1), pair(2), pair(3));
    store(_mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)), out);
  }
  if (i < count) portable.sample_linear(after(run, i), count - i, out);
}

HEADRACE_AVX2 void pair_rows(const std::uint8_t* above, const std::uint8_t* below,
                             std::size_t count, std::uint8_t* out) {
  constexpr std::size_t block = 16;
  const auto move = [&](std::size_t e) HEADRACE_AVX2 {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(above + e));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(below + e));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * e), _mm_unpacklo_epi8(a, b));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * e + block), _mm_unpackhi_epi8(a, b));
  };
  if (count < block) {
    for (std::size_t e = 0; e < count; ++e) {
      out[2 * e] = above[e];
      out[2 * e + 1] = below[e];
    }
    return;
  }
  for (std::size_t e = 0; e + block <= count; e += block) move(e);
  move(count - block);
}

HEADRACE_AVX2 void sample_pairs(const PairedRun& run, int count, std::uint8_t* out) {
  sample_along(run, Coordinates(run.x, run.dx), Coordinates(run.y, run.dy), count, out);
}

HEADRACE_AVX2 void sample_places(const PairedRun& run, const std::int32_t* x, const std::int32_t* y,
                                 int count, std::uint8_t* out) {
  sample_along(run, Listed(x, run.x), Listed(y, run.y), count, out);
}

}  // namespace headrace::x86

#endif
