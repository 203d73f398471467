#include "headrace/augment/kernels.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#include <cstring>

#include "headrace/augment/fixed_point.h"
#include "headrace/augment/kernels_x86.h"

#define HEADRACE_AVX2 __attribute__((target("avx2,f16c")))

namespace headrace {
namespace {

HEADRACE_AVX2 inline __m256i load_u8_as_i16(const std::uint8_t* p) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

HEADRACE_AVX2 inline __m256i to_mid(__m256i low, __m256i high) {
  constexpr int shift = fixed::weight_bits - fixed::mid_bits;
  const __m256i half = _mm256_set1_epi32(1 << (shift - 1));
  return _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(low, half), shift),
                            _mm256_srai_epi32(_mm256_add_epi32(high, half), shift));
}

HEADRACE_AVX2 inline __m256i load_pair(const std::int16_t* weights) {
  int pair = 0;
  std::memcpy(&pair, weights, sizeof pair);
  return _mm256_set1_epi32(pair);
}

HEADRACE_AVX2 inline void store(std::int16_t* p, __m256i v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
}

// Sums of 16 levels, in the halves that unpacking makes; packing brings them back in order.
struct Sums {
  __m256i low;
  __m256i high;
};

HEADRACE_AVX2 inline void add_levels(Sums& sums, const std::uint8_t* a, const std::uint8_t* b,
                                     __m256i pair) {
  const __m256i first = load_u8_as_i16(a);
  const __m256i second = load_u8_as_i16(b);
  sums.low =
      _mm256_add_epi32(sums.low, _mm256_madd_epi16(_mm256_unpacklo_epi16(first, second), pair));
  sums.high =
      _mm256_add_epi32(sums.high, _mm256_madd_epi16(_mm256_unpackhi_epi16(first, second), pair));
}

HEADRACE_AVX2 inline void blend_16(const std::uint8_t* const* rows, const std::int16_t* weights,
                                   int taps, __m256i bias, std::size_t e, std::int16_t* mid) {
  Sums sums{bias, bias};
  for (int t = 0; t < taps; t += 2) {
    add_levels(sums, rows[t] + e, rows[t + 1] + e, load_pair(weights + t));
  }
  store(mid + e, to_mid(sums.low, sums.high));
}

HEADRACE_AVX2 inline void blend_32(const std::uint8_t* const* rows, const std::int16_t* weights,
                                   int taps, __m256i bias, std::size_t e, std::int16_t* mid) {
  Sums left{bias, bias};
  Sums right{bias, bias};
  for (int t = 0; t < taps; t += 2) {
    const __m256i pair = load_pair(weights + t);
    add_levels(left, rows[t] + e, rows[t + 1] + e, pair);
    add_levels(right, rows[t] + e + 16, rows[t + 1] + e + 16, pair);
  }
  store(mid + e, to_mid(left.low, left.high));
  store(mid + e + 16, to_mid(right.low, right.high));
}

HEADRACE_AVX2 inline void pair_16(const std::uint8_t* a, const std::uint8_t* b, __m256i factor,
                                  std::int16_t* mid) {
  const __m256i first = _mm256_slli_epi16(load_u8_as_i16(a), fixed::mid_bits);
  const __m256i second = _mm256_slli_epi16(load_u8_as_i16(b), fixed::mid_bits);
  const __m256i move = _mm256_mulhrs_epi16(_mm256_sub_epi16(second, first), factor);
  store(mid, _mm256_add_epi16(first, move));
}

HEADRACE_AVX2 void blend_rows(const std::uint8_t* const* rows, const std::int16_t* weights,
                              int taps, std::int32_t bias, std::size_t count, std::int16_t* mid) {
  if (count < 16) {
    portable_kernels().blend_rows(rows, weights, taps, bias, count, mid);
    return;
  }
  std::size_t e = 0;
  if (x86::is_pair(weights, taps)) {
    const __m256i factor = _mm256_set1_epi16(x86::pair_factor(weights));
    for (; e + 16 <= count; e += 16) pair_16(rows[0] + e, rows[1] + e, factor, mid + e);
    e = count - 16;
    pair_16(rows[0] + e, rows[1] + e, factor, mid + e);
    return;
  }
  const __m256i sum = _mm256_set1_epi32(bias);
  for (; e + 32 <= count; e += 32) blend_32(rows, weights, taps, sum, e, mid);
  for (; e + 16 <= count; e += 16) blend_16(rows, weights, taps, sum, e, mid);
  if (e < count) blend_16(rows, weights, taps, sum, count - 16, mid);
}

HEADRACE_AVX2 inline __m256i shift_16(const std::int16_t* mid, const x86::ShiftedPair& pair) {
  const __m256i near = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mid + pair.near));
  const __m256i far = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mid + pair.far));
  const __m256i factor = _mm256_set1_epi16(pair.factor);
  const __m256i half = _mm256_set1_epi16(1 << (fixed::mid_bits - 1));
  const __m256i move = _mm256_mulhi_epi16(_mm256_sub_epi16(near, far), factor);
  return _mm256_srai_epi16(_mm256_add_epi16(_mm256_add_epi16(near, half), move), fixed::mid_bits);
}

HEADRACE_AVX2 void blend_shifted(const std::int16_t* mid, std::size_t pitch, int rows, int distance,
                                 std::int16_t second, std::size_t count, std::uint8_t* out) {
  const x86::ShiftedPair pair(distance, second);
  for (int y = 0; y < rows; ++y, mid += pitch, out += count) {
    for (std::size_t e = 0; e < count; e += 32) {
      const __m256i packed =
          _mm256_packus_epi16(shift_16(mid + e, pair), shift_16(mid + e + 16, pair));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + e),
                          _mm256_permute4x64_epi64(packed, 0xD8));
    }
  }
}

// Pixels of 3 or 4 channels: an output in each half of a register, two taps at a time, brought into
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
  const __m256i half = _mm256_set1_epi32(1 << (shift - 1));
  const __m256i bias_halves = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
  const std::int16_t* weights = blend.weights;
  for (int x = 0; x < blend.width; x += 2, out += 2 * channels) {
    const std::int16_t* left = mid + static_cast<std::ptrdiff_t>(blend.first[x]) * channels;
    const std::int16_t* right = mid + static_cast<std::ptrdiff_t>(blend.first[x + 1]) * channels;
    long long biases = 0;
    std::memcpy(&biases, blend.bias + x, sizeof biases);
    __m256i sum = _mm256_add_epi32(
        half, _mm256_permutevar8x32_epi32(_mm256_set1_epi64x(biases), bias_halves));
    for (int t = 0; t < blend.taps; t += 2, weights += 4) {
      const __m256i pixels = _mm256_loadu2_m128i(reinterpret_cast<const __m128i*>(right),
                                                 reinterpret_cast<const __m128i*>(left));
      long long four = 0;
      std::memcpy(&four, weights, sizeof four);
      const __m256i w = _mm256_shuffle_epi8(_mm256_set1_epi64x(four), weight_halves);
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, to_pairs), w));
      left += 2 * channels;
      right += 2 * channels;
    }
    sum = _mm256_srai_epi32(sum, shift);
    sum = _mm256_packus_epi16(_mm256_packs_epi32(sum, sum), sum);
    const int first = _mm_cvtsi128_si32(_mm256_castsi256_si128(sum));
    const int second = _mm_cvtsi128_si32(_mm256_extracti128_si256(sum, 1));
    std::memcpy(out, &first, sizeof first);
    std::memcpy(out + channels, &second, sizeof second);
  }
}

// One channel: both outputs of two taps each in half a register.
HEADRACE_AVX2 void blend_grey_columns(const std::int16_t* mid, const ColumnBlend& blend,
                                      std::uint8_t* out) {
  const std::int16_t* weights = blend.weights;
  for (int x = 0; x < blend.width; x += 2) {
    __m128i sum = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(blend.bias + x));
    for (int t = 0; t < blend.taps; t += 2, weights += 4) {
      int left = 0;
      int right = 0;
      std::memcpy(&left, mid + blend.first[x] + t, sizeof left);
      std::memcpy(&right, mid + blend.first[x + 1] + t, sizeof right);
      const __m128i pixels = _mm_insert_epi32(_mm_cvtsi32_si128(left), right, 1);
      const __m128i w = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(weights));
      sum = _mm_add_epi32(sum, _mm_madd_epi16(pixels, w));
    }
    out[x] = static_cast<std::uint8_t>(fixed::level(_mm_cvtsi128_si32(sum)));
    out[x + 1] = static_cast<std::uint8_t>(fixed::level(_mm_extract_epi32(sum, 1)));
  }
}

HEADRACE_AVX2 void blend_columns(const std::int16_t* mid, std::size_t pitch, int rows,
                                 const ColumnBlend& blend, std::uint8_t* out) {
  if (blend.channels == 2 || blend.channels > 4) {
    portable_kernels().blend_columns(mid, pitch, rows, blend, out);
    return;
  }
  const auto row_bytes =
      static_cast<std::size_t>(blend.width) * static_cast<std::size_t>(blend.channels);
  for (int y = 0; y < rows; ++y, mid += pitch, out += row_bytes) {
    if (blend.channels == 1) {
      blend_grey_columns(mid, blend, out);
    } else {
      blend_colour_columns(mid, blend, out);
    }
  }
}

// As many whole pixels as 16 bytes hold at a time, from the end of `in` backwards.
HEADRACE_AVX2 void mirror(const std::uint8_t* in, int rows, int width, int channels,
                          std::uint8_t* out) {
  const int pixels = channels <= 4 ? 16 / channels : 0;
  if (width < pixels || pixels == 0) {
    portable_kernels().mirror(in, rows, width, channels, out);
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
  const auto move = [&](int from, int to) __attribute__((target("avx2,f16c"))) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + from * channels));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + to * channels), _mm_shuffle_epi8(v, shuffle));
  };
  // In the order of the output, so that what a store writes beyond its pixels is written over; the
  // rest at the end is made by one more, overlapping.
  const std::ptrdiff_t pitch = static_cast<std::ptrdiff_t>(width) * channels;
  for (int y = 0; y < rows; ++y, in += pitch, out += pitch) {
    int x = 0;
    for (; x + pixels <= width; x += pixels) move(width - pixels - x, x);
    if (x < width) move(0, width - pixels);
  }
}

// Three channels: 16 pixels at a time, what is left of them by the portable code.
HEADRACE_AVX2 void split(const std::uint8_t* in, int channels, std::size_t pixels,
                         std::uint8_t* out) {
  if (channels != 3 || pixels < 16) {
    portable_kernels().split(in, channels, pixels, out);
    return;
  }
  constexpr char no = -128;
  const __m128i gather[3] = {
      _mm_setr_epi8(0, 3, 6, 9, 12, 15, no, no, no, no, no, no, no, no, no, no),
      _mm_setr_epi8(no, no, no, no, no, no, 2, 5, 8, 11, 14, no, no, no, no, no),
      _mm_setr_epi8(no, no, no, no, no, no, no, no, no, no, no, 1, 4, 7, 10, 13)};
  const auto move = [&](std::size_t x) HEADRACE_AVX2 {
    for (std::size_t c = 0; c < 3; ++c) {
      // Blocks that begin c bytes later: the same shuffles serve every channel.
      const std::uint8_t* from = in + 3 * x + c;
      const auto part = [&](std::size_t i) HEADRACE_AVX2 {
        return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 16 * i)),
                                gather[i]);
      };
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + c * pixels + x),
                       _mm_or_si128(_mm_or_si128(part(0), part(1)), part(2)));
    }
  };
  std::size_t x = 0;
  for (; x + 16 <= pixels; x += 16) move(x);
  if (x < pixels) move(pixels - 16);
}

HEADRACE_AVX2 inline __m256i scaled_8(const std::uint8_t* levels, __m256 factor, __m256 summand) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(levels));
  const __m256 value = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
  const __m256 scaled = _mm256_add_ps(_mm256_mul_ps(value, factor), summand);
  return _mm256_cvttps_epi32(
      _mm256_min_ps(_mm256_max_ps(scaled, _mm256_setzero_ps()), _mm256_set1_ps(255)));
}

HEADRACE_AVX2 void scale_levels(std::uint8_t* levels, std::size_t count, float factor,
                                float summand) {
  const __m256 factors = _mm256_set1_ps(factor);
  const __m256 summands = _mm256_set1_ps(summand);
  std::size_t e = 0;
  for (; e + 16 <= count; e += 16) {
    const __m256i words = _mm256_packs_epi32(scaled_8(levels + e, factors, summands),
                                             scaled_8(levels + e + 8, factors, summands));
    const __m256i ordered = _mm256_permute4x64_epi64(words, 0xD8);
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(levels + e),
        _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1)));
  }
  portable_kernels().scale_levels(levels + e, count - e, factor, summand);
}

HEADRACE_AVX2 inline __m256 normalised_8(const std::uint8_t* in, const float* scale,
                                         const float* offset) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(in));
  const __m256 value = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
  return _mm256_add_ps(_mm256_mul_ps(value, _mm256_loadu_ps(scale)), _mm256_loadu_ps(offset));
}

template <bool streams>
HEADRACE_AVX2 inline void store_16(__m256 low, __m256 high, float* out) {
  if constexpr (streams) {
    _mm256_stream_ps(out, low);
    _mm256_stream_ps(out + 8, high);
  } else {
    _mm256_storeu_ps(out, low);
    _mm256_storeu_ps(out + 8, high);
  }
}

template <bool streams>
HEADRACE_AVX2 inline void store_words(__m256i words, void* out) {
  if constexpr (streams) {
    _mm256_stream_si256(static_cast<__m256i*>(out), words);
  } else {
    _mm256_storeu_si256(static_cast<__m256i*>(out), words);
  }
}

template <bool streams>
HEADRACE_AVX2 inline void store_16(__m256 low, __m256 high, x86::F16* out) {
  constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  store_words<streams>(
      _mm256_set_m128i(_mm256_cvtps_ph(high, nearest), _mm256_cvtps_ph(low, nearest)), out);
}

// Of what is no NaN: a level times a number plus a number.
HEADRACE_AVX2 inline __m256i to_bf16_bits(__m256 value) {
  const __m256i bits = _mm256_castps_si256(value);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i half = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF));
  return _mm256_srli_epi32(_mm256_add_epi32(bits, half), 16);
}

template <bool streams>
HEADRACE_AVX2 inline void store_16(__m256 low, __m256 high, x86::Bf16* out) {
  const __m256i packed = _mm256_packus_epi32(to_bf16_bits(low), to_bf16_bits(high));
  store_words<streams>(_mm256_permute4x64_epi64(packed, 0xD8), out);
}

template <bool streams, class T>
HEADRACE_AVX2 void normalise_as(const std::uint8_t* in, const Normalisation& numbers,
                                std::size_t count, T* out) {
  const Normalisation of = numbers;  // which the compiler could not know not to be written to
  std::size_t phase = 0;
  std::size_t e = 0;
  for (; e + 16 <= count; e += 16) {
    const float* scale = of.scale + phase;
    const float* offset = of.offset + (of.offset_repeats ? phase : e);
    store_16<streams>(normalised_8(in + e, scale, offset),
                      normalised_8(in + e + 8, scale + 8, offset + 8), out + e);
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

void settle() { _mm_sfence(); }

// Clang's __builtin_cpu_supports does not know it.
bool has_f16c() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

}  // namespace

const Kernels* avx2_kernels() {
  const Kernels& portable = portable_kernels();
  static const Kernels kernels = {"avx2",
                                  blend_rows,
                                  blend_shifted,
                                  portable.prepared_bytes,
                                  portable.prepare_columns,
                                  blend_columns,
                                  x86::sample_linear,
                                  portable.sample_nearest,
                                  x86::pair_rows,
                                  x86::sample_pairs,
                                  x86::sample_places,
                                  mirror,
                                  split,
                                  scale_levels,
                                  normalise,
                                  &avx2_paint_kernels(),
                                  settle};
  // Asked once: on a virtual machine the question costs microseconds.
  static const bool usable = __builtin_cpu_supports("avx2") != 0 && has_f16c();
  return usable ? &kernels : nullptr;
}

}  // namespace headrace

#else

namespace headrace {
const Kernels* avx2_kernels() { return nullptr; }
}  // namespace headrace

#endif
