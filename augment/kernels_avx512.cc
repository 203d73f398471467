#include "headrace/augment/kernels.h"

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <numeric>

#include "headrace/augment/avx512.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/augment/kernels_x86.h"

namespace headrace {
namespace {

constexpr std::size_t lanes = 32;  // of 16 bits

// Which of the next 32 levels there are.
struct All {};
struct Some {
  __mmask32 valid;
};

HEADRACE_AVX512 inline __m512i load_levels(const std::uint8_t* p, All) {
  return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

HEADRACE_AVX512 inline __m512i load_levels(const std::uint8_t* p, Some levels) {
  return _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(levels.valid, p));
}

struct RowPair {
  const std::uint8_t* a;
  const std::uint8_t* b;
  __m512i factor;

  template <class Levels>
  HEADRACE_AVX512 __m512i blend(std::size_t e, Levels levels) const {
    const __m512i first = _mm512_slli_epi16(load_levels(a + e, levels), fixed::mid_bits);
    const __m512i second = _mm512_slli_epi16(load_levels(b + e, levels), fixed::mid_bits);
    return _mm512_add_epi16(first, _mm512_mulhrs_epi16(_mm512_sub_epi16(second, first), factor));
  }
};

struct RowSum {
  static constexpr int shift = fixed::weight_bits - fixed::mid_bits;

  const std::uint8_t* const* rows;
  const std::int16_t* weights;
  int taps;
  __m512i rounded_bias;

  template <class Levels>
  HEADRACE_AVX512 __m512i blend(std::size_t e, Levels levels) const {
    __m512i low = rounded_bias;
    __m512i high = rounded_bias;
    for (int t = 0; t < taps; t += 2) {
      int two_weights = 0;
      std::memcpy(&two_weights, weights + t, sizeof two_weights);
      const __m512i pair = _mm512_set1_epi32(two_weights);
      const __m512i a = load_levels(rows[t] + e, levels);
      const __m512i b = load_levels(rows[t + 1] + e, levels);
      low = _mm512_add_epi32(low, _mm512_madd_epi16(_mm512_unpacklo_epi16(a, b), pair));
      high = _mm512_add_epi32(high, _mm512_madd_epi16(_mm512_unpackhi_epi16(a, b), pair));
    }
    return _mm512_packs_epi32(_mm512_srai_epi32(low, shift), _mm512_srai_epi32(high, shift));
  }
};

template <class Blend>
HEADRACE_AVX512 inline void blend_levels(const Blend& rows, std::size_t count, std::int16_t* mid) {
  std::size_t e = 0;
  for (; e + lanes <= count; e += lanes) _mm512_storeu_si512(mid + e, rows.blend(e, All{}));
  if (e == count) return;
  const Some rest{(__mmask32{1} << (count - e)) - 1};
  _mm512_storeu_si512(mid + e, rows.blend(e, rest));
}

HEADRACE_AVX512 void blend_rows(const std::uint8_t* const* rows, const std::int16_t* weights,
                                int taps, std::int32_t bias, std::size_t count, std::int16_t* mid) {
  if (x86::is_pair(weights, taps)) {
    const __m512i factor = _mm512_set1_epi16(x86::pair_factor(weights));
    blend_levels(RowPair{rows[0], rows[1], factor}, count, mid);
  } else {
    const __m512i rounded_bias = _mm512_set1_epi32(bias + (1 << (RowSum::shift - 1)));
    blend_levels(RowSum{rows, weights, taps, rounded_bias}, count, mid);
  }
}

void blend_rows_wide(const std::uint8_t* const* rows, const std::int16_t* weights, int taps,
                     std::int32_t bias, std::size_t count, std::int16_t* mid) {
  if (!x86::blend_bytes(rows, weights, taps, bias, count, mid)) {
    blend_rows(rows, weights, taps, bias, count, mid);
  }
}

HEADRACE_AVX512 void blend_shifted(const std::int16_t* mid, std::size_t pitch, int rows,
                                   int distance, std::int16_t second, std::size_t count,
                                   std::uint8_t* out) {
  const x86::ShiftedPair pair(distance, second);
  const __m512i factor = _mm512_set1_epi16(pair.factor);
  const __m512i half = _mm512_set1_epi16(1 << (fixed::mid_bits - 1));
  for (int y = 0; y < rows; ++y, mid += pitch, out += count) {
    for (std::size_t e = 0; e < count; e += lanes) {
      const __m512i near = _mm512_loadu_si512(mid + e + pair.near);
      const __m512i far = _mm512_loadu_si512(mid + e + pair.far);
      const __m512i move = _mm512_mulhi_epi16(_mm512_sub_epi16(near, far), factor);
      const __m512i sum = _mm512_add_epi16(_mm512_add_epi16(near, half), move);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + e),
                          _mm512_cvtepi16_epi8(_mm512_srai_epi16(sum, fixed::mid_bits)));
    }
  }
}

// Sixteen elements of an output row are blended at a time: whatever the channels, the two taps of a
// pair are picked for all of them from 64 neighbouring elements of the mid row.
struct alignas(64) ElementBlend {
  std::array<std::int16_t, 32> pick;  // of the first two taps; those of the next lie `step` further
  std::array<std::int32_t, 16> bias;  // and half a level, for rounding
};

constexpr int block_lanes = 16;
constexpr int window = 64;

std::size_t blocks_of(int width, int channels) {
  return (static_cast<std::size_t>(width) * static_cast<std::size_t>(channels) + block_lanes - 1) /
         block_lanes;
}

std::size_t block_bytes(int taps) {
  return sizeof(ElementBlend) + static_cast<std::size_t>(taps / 2) * sizeof(__m512i);
}

// The blocks, each with its weights behind it, then where each block's window begins.
std::size_t prepared_bytes(int width, int channels, int taps) {
  return blocks_of(width, channels) * (block_bytes(taps + taps % 2) + sizeof(std::int32_t));
}

std::int32_t window_begin(const ColumnBlend& blend, int first_output, int last_output) {
  const auto [least, most] =
      std::minmax_element(blend.first + first_output, blend.first + last_output + 1);
  const bool fits = (*most - *least + blend.taps) * blend.channels <= window;
  return fits ? *least * blend.channels : -1;
}

const std::byte* prepare_columns(const ColumnBlend& blend, std::byte* memory) {
  constexpr int half = 1 << (fixed::weight_bits + fixed::mid_bits - 1);
  const int channels = blend.channels;
  const int elements = blend.width * channels;
  const std::size_t size = block_bytes(blend.taps);
  const std::size_t count = blocks_of(blend.width, channels);
  auto* begins = reinterpret_cast<std::int32_t*>(memory + count * size);
  std::byte* block = memory;
  int x = 0;
  int c = 0;
  for (int e = 0; e < elements; e += block_lanes, block += size) {
    const int last = std::min(e + block_lanes, elements) - 1;
    const std::int32_t begin = window_begin(blend, x, last / channels);
    if (begin < 0) return nullptr;
    *begins++ = begin;
    auto* to = reinterpret_cast<ElementBlend*>(block);
    std::byte* weights = block + sizeof(ElementBlend);
    for (std::size_t lane = 0; lane < block_lanes; ++lane) {
      to->pick[2 * lane] = static_cast<std::int16_t>(blend.first[x] * channels + c - begin);
      to->pick[2 * lane + 1] = static_cast<std::int16_t>(to->pick[2 * lane] + channels);
      to->bias[lane] = blend.bias[x] + half;
      for (int t = 0; t < blend.taps; t += 2) {
        std::memcpy(weights + static_cast<std::size_t>(t / 2) * sizeof(__m512i) + lane * 4,
                    blend.weights + blend.weight_index(x, t), 4);
      }
      if (++c == channels) {
        c = 0;
        if (x + 1 < blend.width) ++x;  // what lies beyond the row is overwritten or slack
      }
    }
  }
  return memory;
}

// One block of so many pairs of taps, in some rows: what is known of it stays in registers.
template <int pairs>
HEADRACE_AVX512 inline void blend_block(const std::int16_t* mid, std::size_t pitch, int rows,
                                        const std::byte* block, __m512i step, __mmask16 valid,
                                        std::size_t row_bytes, std::uint8_t* out) {
  const auto* numbers = reinterpret_cast<const ElementBlend*>(block);
  const std::byte* from = block + sizeof(ElementBlend);
  const __m512i bias = _mm512_load_si512(numbers->bias.data());
  __m512i pick[pairs];
  __m512i weights[pairs];
  pick[0] = _mm512_load_si512(numbers->pick.data());
  for (int p = 1; p < pairs; ++p) pick[p] = _mm512_add_epi16(pick[p - 1], step);
  for (int p = 0; p < pairs; ++p) {
    weights[p] = _mm512_load_si512(from + static_cast<std::size_t>(p) * sizeof(__m512i));
  }
  for (int y = 0; y < rows; ++y, mid += pitch, out += row_bytes) {
    const __m512i low = _mm512_loadu_si512(mid);
    const __m512i high = _mm512_loadu_si512(mid + window / 2);
    __m512i sum = bias;
    for (int p = 0; p < pairs; ++p) {
      const __m512i taps = _mm512_permutex2var_epi16(low, pick[p], high);
      sum = _mm512_add_epi32(sum, _mm512_madd_epi16(taps, weights[p]));
    }
    sum = _mm512_srai_epi32(sum, fixed::weight_bits + fixed::mid_bits);
    _mm_mask_storeu_epi8(out, valid, _mm512_cvtepi32_epi8(sum));
  }
}

HEADRACE_AVX512 inline void blend_long_block(const std::int16_t* mid, std::size_t pitch, int rows,
                                             int taps, const std::byte* block, __m512i step,
                                             __mmask16 valid, std::size_t row_bytes,
                                             std::uint8_t* out) {
  const auto* numbers = reinterpret_cast<const ElementBlend*>(block);
  for (int y = 0; y < rows; ++y, mid += pitch, out += row_bytes) {
    const std::byte* weights = block + sizeof(ElementBlend);
    const __m512i low = _mm512_loadu_si512(mid);
    const __m512i high = _mm512_loadu_si512(mid + window / 2);
    __m512i pick = _mm512_load_si512(numbers->pick.data());
    __m512i sum = _mm512_load_si512(numbers->bias.data());
    for (int t = 0; t < taps; t += 2, weights += sizeof(__m512i)) {
      const __m512i pairs = _mm512_permutex2var_epi16(low, pick, high);
      sum = _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_load_si512(weights)));
      pick = _mm512_add_epi16(pick, step);
    }
    sum = _mm512_srai_epi32(sum, fixed::weight_bits + fixed::mid_bits);
    _mm_mask_storeu_epi8(out, valid, _mm512_cvtepi32_epi8(sum));
  }
}

HEADRACE_AVX512 void blend_columns(const std::int16_t* mid, std::size_t pitch, int rows,
                                   const ColumnBlend& blend, std::uint8_t* out) {
  if (blend.prepared == nullptr) {
    avx2_kernels()->blend_columns(mid, pitch, rows, blend, out);
    return;
  }
  const std::size_t size = block_bytes(blend.taps);
  const std::size_t count = blocks_of(blend.width, blend.channels);
  const auto* begins = reinterpret_cast<const std::int32_t*>(blend.prepared + count * size);
  const __m512i step = _mm512_set1_epi16(static_cast<std::int16_t>(2 * blend.channels));
  const std::byte* block = blend.prepared;
  const auto row_bytes =
      static_cast<std::size_t>(blend.width) * static_cast<std::size_t>(blend.channels);
  const int taps = blend.taps;
  for (std::size_t i = 0; i < count; ++i, block += size, out += block_lanes) {
    const std::size_t rest = row_bytes - i * block_lanes;
    const auto valid = static_cast<__mmask16>(rest >= block_lanes ? 0xFFFF : (1 << rest) - 1);
    const std::int16_t* from = mid + begins[i];
    switch (taps) {
      case 2: blend_block<1>(from, pitch, rows, block, step, valid, row_bytes, out); break;
      case 4: blend_block<2>(from, pitch, rows, block, step, valid, row_bytes, out); break;
      case 6: blend_block<3>(from, pitch, rows, block, step, valid, row_bytes, out); break;
      default: blend_long_block(from, pitch, rows, taps, block, step, valid, row_bytes, out);
    }
  }
}

template <bool streams>
HEADRACE_AVX512 inline void store_16(__m512 value, float* out) {
  if constexpr (streams) {
    _mm512_stream_ps(out, value);
  } else {
    _mm512_storeu_ps(out, value);
  }
}

template <bool streams>
HEADRACE_AVX512 inline void store_words(__m256i words, void* out) {
  if constexpr (streams) {
    _mm256_stream_si256(static_cast<__m256i*>(out), words);
  } else {
    _mm256_storeu_si256(static_cast<__m256i*>(out), words);
  }
}

template <bool streams>
HEADRACE_AVX512 inline void store_16(__m512 value, x86::F16* out) {
  constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  store_words<streams>(_mm512_cvtps_ph(value, nearest), out);
}

// Of what is no NaN: a level times a number plus a number.
template <bool streams>
HEADRACE_AVX512 inline void store_16(__m512 value, x86::Bf16* out) {
  const __m512i bits = _mm512_castps_si512(value);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i half = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF));
  const __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, half), 16);
  store_words<streams>(_mm512_cvtepi32_epi16(rounded), out);
}

template <bool streams, class T>
HEADRACE_AVX512 void normalise_as(const std::uint8_t* in, const Normalisation& numbers,
                                  std::size_t count, T* out) {
  const Normalisation of = numbers;  // which the compiler could not know not to be written to
  std::size_t phase = 0;
  std::size_t e = 0;
  for (; e + 16 <= count; e += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + e));
    const __m512 value = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
    const __m512 scaled = _mm512_mul_ps(value, _mm512_loadu_ps(of.scale + phase));
    const float* offset = of.offset + (of.offset_repeats ? phase : e);
    store_16<streams>(_mm512_add_ps(scaled, _mm512_loadu_ps(offset)), out + e);
    phase += 16;
    if (phase == of.period) phase = 0;
  }
  x86::normalise_rest(in, numbers, e, count, out);
}

void normalise(const std::uint8_t* in, const Normalisation& numbers, std::size_t count,
               std::byte* out) {
  if (x86::can_stream(numbers, out)) {
    x86::normalise_by_type(numbers.type, out,
                           [&](auto* to) { normalise_as<true>(in, numbers, count, to); });
  } else {
    x86::normalise_by_type(numbers.type, out,
                           [&](auto* to) { normalise_as<false>(in, numbers, count, to); });
  }
}

void scale_levels_wide(std::uint8_t* levels, std::size_t count, float factor, float summand) {
  std::uint8_t table[1][256];
  std::iota(std::begin(table[0]), std::end(table[0]), std::uint8_t{0});
  avx2_kernels()->scale_levels(table[0], std::size(table[0]), factor, summand);
  x86::look_up_wide(levels, count, table, 1);
}

// Sixty-four bytes of whole pixels at a time, in the order of the output: what a store writes
// beyond its pixels is written over.
HEADRACE_WIDE void mirror(const std::uint8_t* in, int rows, int width, int channels,
                          std::uint8_t* out) {
  constexpr int bytes = 64;
  if (channels > bytes) {
    portable_kernels().mirror(in, rows, width, channels, out);
    return;
  }
  const int pixels = std::min(bytes / channels, width);
  const int last = (width - 1) % pixels + 1;  // pixels of the last store of a row
  alignas(bytes) std::uint8_t order[2][bytes] = {};
  for (int b = 0; b < pixels * channels; ++b) {
    const int mirrored = (pixels - 1 - b / channels) * channels + b % channels;
    order[0][b] = static_cast<std::uint8_t>(mirrored);
    order[1][b] = static_cast<std::uint8_t>(std::max(mirrored - (pixels - last) * channels, 0));
  }
  const __m512i whole = _mm512_load_si512(order[0]);
  const __m512i rest = _mm512_load_si512(order[1]);
  const std::ptrdiff_t pitch = static_cast<std::ptrdiff_t>(width) * channels;
  const std::ptrdiff_t step = static_cast<std::ptrdiff_t>(pixels) * channels;
  for (int y = 0; y < rows; ++y, in += pitch) {
    for (std::ptrdiff_t from = pitch - step; from > 0; from -= step, out += step) {
      _mm512_storeu_si512(out, _mm512_permutexvar_epi8(whole, _mm512_loadu_si512(in + from)));
    }
    _mm512_storeu_si512(out, _mm512_permutexvar_epi8(rest, _mm512_loadu_si512(in)));
    out += static_cast<std::ptrdiff_t>(last) * channels;
  }
}

}  // namespace

const Kernels* avx512_kernels() {
  if (__builtin_cpu_supports("avx512f") == 0 || __builtin_cpu_supports("avx512bw") == 0 ||
      __builtin_cpu_supports("avx512vl") == 0 || avx2_kernels() == nullptr) {
    return nullptr;
  }
  const Kernels* narrow = avx2_kernels();
  const bool wide = x86::has_wide_bytes();
  static const Kernels kernels = {"avx512",
                                  wide ? blend_rows_wide : blend_rows,
                                  blend_shifted,
                                  prepared_bytes,
                                  prepare_columns,
                                  blend_columns,
                                  narrow->sample_linear,
                                  narrow->sample_nearest,
                                  narrow->pair_rows,
                                  wide ? x86::sample_pairs_wide : narrow->sample_pairs,
                                  wide ? x86::sample_places_wide : narrow->sample_places,
                                  wide ? mirror : narrow->mirror,
                                  narrow->split,
                                  wide ? scale_levels_wide : narrow->scale_levels,
                                  normalise,
                                  &avx512_paint_kernels(),
                                  narrow->settle};
  return &kernels;
}

}  // namespace headrace

#else

namespace headrace {
const Kernels* avx512_kernels() { return nullptr; }
}  // namespace headrace

#endif
