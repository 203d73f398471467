#if defined(__x86_64__)

#include <array>

#include "headrace/augment/avx512.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/augment/kernels_x86.h"

namespace headrace::x86 {
namespace {

constexpr int group = 16;  // outputs at once
constexpr int level_shift = fixed::weight_bits + fixed::mid_bits;

// Coordinates of sixteen outputs along one axis, in 2^-46 pixels, of which the upper halves are in
// 2^-14. In the order in which those come together again.
struct Coordinates {
  __m512i low;   // outputs 0, 1, 4, 5, 8, 9, 12, 13
  __m512i high;  // the others
  __m512i step;  // of a group

  HEADRACE_WIDE Coordinates(std::int64_t first, std::int64_t distance) {
    constexpr std::int64_t rounding = std::int64_t{1} << (fixed::map_shift - 1);
    constexpr int shift = 32 - fixed::map_shift;
    const std::int64_t c = first + rounding;
    alignas(64) std::array<std::int64_t, 8> ahead;
    ahead = {0,
             distance,
             4 * distance,
             5 * distance,
             8 * distance,
             9 * distance,
             12 * distance,
             13 * distance};
    low = _mm512_slli_epi64(_mm512_add_epi64(_mm512_set1_epi64(c), _mm512_load_si512(ahead.data())),
                            shift);
    const __m512i d = _mm512_slli_epi64(_mm512_set1_epi64(distance), shift);
    high = _mm512_add_epi64(low, _mm512_slli_epi64(d, 1));
    step = _mm512_slli_epi64(d, 4);
  }

  // In 2^-14 pixels, and on to the next group.
  HEADRACE_WIDE __m512i take() {
    const __m512 a = _mm512_castsi512_ps(low);
    const __m512 b = _mm512_castsi512_ps(high);
    low = _mm512_add_epi64(low, step);
    high = _mm512_add_epi64(high, step);
    return _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0xDD));
  }
};

// Coordinates of outputs one by one, in 2^-14 pixels.
struct Listed {
  const std::int32_t* next;
  __m512i origin;

  HEADRACE_WIDE Listed(const std::int32_t* coordinates, std::int64_t from)
      : next(coordinates),
        origin(_mm512_set1_epi32(static_cast<std::int32_t>(from >> fixed::map_shift))) {}

  HEADRACE_WIDE __m512i take() {
    const __m512i c = _mm512_loadu_si512(next);
    next += group;
    return _mm512_add_epi32(c, origin);
  }
};

// What PairedRun::Border says, of sixteen coordinates.
template <PairedRun::Beyond beyond>
struct Border {
  __m512i last;
  __m512i low;
  __m512i high;
  __m512i period;

  HEADRACE_WIDE explicit Border(const PairedRun::Border& border)
      : last(_mm512_set1_epi32(border.last)),
        low(_mm512_set1_epi32(border.low)),
        high(_mm512_set1_epi32(border.high)),
        period(_mm512_set1_epi32(border.period)) {}

  HEADRACE_WIDE __m512i enter(__m512i c) const {
    if constexpr (beyond == PairedRun::Beyond::mirror) {
      c = _mm512_max_epi32(c, _mm512_sub_epi32(low, c));
      c = _mm512_min_epi32(c, _mm512_sub_epi32(high, c));
    } else if constexpr (beyond == PairedRun::Beyond::repeat) {
      const __mmask16 below = _mm512_cmplt_epi32_mask(c, _mm512_setzero_si512());
      const __mmask16 above = _mm512_cmpgt_epi32_mask(c, high);
      c = _mm512_mask_add_epi32(c, below, c, period);
      c = _mm512_mask_sub_epi32(c, above, c, period);
    }
    return _mm512_min_epi32(_mm512_max_epi32(c, _mm512_setzero_si512()), last);
  }
};

HEADRACE_WIDE inline __m128i load(const std::uint8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

// Volatile, since compilers would take them out of the register one by one, which is slower.
using Offsets = volatile std::uint32_t[group];

// Levels of outputs k, k + 4, k + 8 and k + 12 of a group, in a quarter of the register each: the
// arithmetic is that of kernels_x86.h.
template <int k>
HEADRACE_WIDE inline __m512i blend_pairs(const std::uint8_t* pixels, const Offsets& offsets,
                                         __m512i down, __m512i across) {
  constexpr short bytes = (4 * k + 1) << 8 | (4 * k);
  // Put together by halves: what inserts into a whole register takes two steps.
  const __m256i near = _mm256_inserti128_si256(_mm256_castsi128_si256(load(pixels + offsets[k])),
                                               load(pixels + offsets[k + 4]), 1);
  const __m256i far = _mm256_inserti128_si256(_mm256_castsi128_si256(load(pixels + offsets[k + 8])),
                                              load(pixels + offsets[k + 12]), 1);
  const __m512i pairs = _mm512_inserti64x4(_mm512_castsi256_si512(near), far, 1);
  // The upper levels, of the other sign, and how the lower ones differ from them, in 2^-7.
  const __m512i upper = _mm512_maddubs_epi16(pairs, _mm512_set1_epi16(0x0080));
  const __m512i difference = _mm512_maddubs_epi16(pairs, _mm512_set1_epi16(0x40C0));
  const __m512i second = _mm512_shuffle_epi8(down, _mm512_set1_epi16(bytes));
  const __m512i mid = _mm512_sub_epi16(
      _mm512_mulhrs_epi16(_mm512_add_epi16(difference, difference), second), upper);
  const __m512i by_channel =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1));
  const __m512i half = _mm512_set1_epi32(1 << (level_shift - 1));
  return _mm512_dpwssd_epi32(half, _mm512_shuffle_epi8(mid, by_channel),
                             _mm512_shuffle_epi32(across, static_cast<_MM_PERM_ENUM>(k * 0x55)));
}

// The levels of sums of a group: those of outputs 4 i + k, two channels and one, in bytes 2 k and
// 2 k + 1 of the eight of i.
template <int k>
HEADRACE_WIDE inline __m512i put_levels(__m512i levels, __m512i sums) {
  constexpr long long bits = (level_shift + 32) << 8 | level_shift;
  return _mm512_mask_multishift_epi64_epi8(levels, 0x0303030303030303ull << (2 * k),
                                           _mm512_set1_epi16(static_cast<short>(bits)), sums);
}

// Makes of them outputs in turn.
HEADRACE_WIDE inline __m512i dense_order() {
  alignas(64) std::array<std::uint8_t, 64> order{};
  for (std::size_t i = 0; i < 3 * group; ++i) {
    const std::size_t output = i / 3;
    const std::size_t channel = i % 3;
    order[i] =
        static_cast<std::uint8_t>(output / 4 * 16 + channel / 2 * 8 + output % 4 * 2 + channel % 2);
  }
  return _mm512_load_si512(order.data());
}

template <PairedRun::Beyond beyond, class Along>
HEADRACE_WIDE void sample_pairs_of(const PairedRun& run, Along xs, Along ys, int count,
                                   std::uint8_t* out) {
  const Border<beyond> x_border(run.across);
  const Border<beyond> y_border(run.down);
  const std::uint8_t* pixels = run.pixels;
  const __m512i strides = _mm512_set1_epi32(6 << 16 | run.pitch);
  const __m512i fraction = _mm512_set1_epi32(fixed::pixel - 1);
  const __m512i upper_half = _mm512_set1_epi32(static_cast<std::int32_t>(0xFFFF0000u));
  const __m512i order = dense_order();
  for (int i = 0; i < count; i += group, out += 3 * group) {
    const __m512i x = x_border.enter(xs.take());
    const __m512i y = y_border.enter(ys.take());
    constexpr int upper_or_lower = 0xEA;  // (a & b) | c
    const __m512i indices =
        _mm512_ternarylogic_epi32(_mm512_slli_epi32(x, 16 - fixed::coordinate_bits), upper_half,
                                  _mm512_srli_epi32(y, fixed::coordinate_bits), upper_or_lower);
    alignas(64) Offsets offsets;
    _mm512_store_si512(const_cast<std::uint32_t*>(offsets), _mm512_madd_epi16(indices, strides));
    const __m512i second = _mm512_and_si512(x, fraction);
    const __m512i across = _mm512_add_epi32(_mm512_sub_epi32(_mm512_set1_epi32(fixed::one), second),
                                            _mm512_slli_epi32(second, 16));
    const __m512i down = _mm512_slli_epi32(_mm512_and_si512(y, fraction), 1);
    __m512i levels = _mm512_setzero_si512();
    levels = put_levels<0>(levels, blend_pairs<0>(pixels, offsets, down, across));
    levels = put_levels<1>(levels, blend_pairs<1>(pixels, offsets, down, across));
    levels = put_levels<2>(levels, blend_pairs<2>(pixels, offsets, down, across));
    levels = put_levels<3>(levels, blend_pairs<3>(pixels, offsets, down, across));
    _mm512_storeu_si512(out, _mm512_permutexvar_epi8(order, levels));
  }
}

template <class Along>
HEADRACE_WIDE void sample_along(const PairedRun& run, const Along& xs, const Along& ys, int count,
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

}  // namespace

bool has_wide_bytes() {
  // Asked once: on a virtual machine the question costs microseconds.
  static const bool has =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512vbmi") != 0 &&
      __builtin_cpu_supports("avx512vnni") != 0;
  return has;
}

HEADRACE_WIDE void sample_pairs_wide(const PairedRun& run, int count, std::uint8_t* out) {
  sample_along(run, Coordinates(run.x, run.dx), Coordinates(run.y, run.dy), count, out);
}

HEADRACE_WIDE void sample_places_wide(const PairedRun& run, const std::int32_t* x,
                                      const std::int32_t* y, int count, std::uint8_t* out) {
  sample_along(run, Listed(x, run.x), Listed(y, run.y), count, out);
}

}  // namespace headrace::x86

#endif
