#include "headrace/formats/baseline/pixel_kernels.h"

#if defined(__x86_64__)

#include <array>
#include <cstring>

#include "headrace/formats/baseline/avx2_words.h"
#include "headrace/formats/baseline/inverse_dct_avx2.h"

namespace headrace::baseline {
namespace {

using namespace avx2;

HEADRACE_AVX2 void blend_rows(const std::uint8_t* near, const std::uint8_t* far, std::size_t count,
                              std::uint16_t* out) {
  for (std::size_t i = 0; i < count; i += 16) {
    const __m256i a = _mm256_cvtepu8_epi16(load_half(near + i));
    const __m256i b = _mm256_cvtepu8_epi16(load_half(far + i));
    const __m256i sum = _mm256_add_epi16(_mm256_add_epi16(a, a), _mm256_add_epi16(a, b));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), sum);
  }
}

HEADRACE_AVX2 void interpolate(const std::uint16_t* in, std::size_t count, const Interpolation& how,
                               std::uint8_t* out) {
  const __m256i even_bias = _mm256_set1_epi16(static_cast<short>(how.even));
  const __m256i odd_bias = _mm256_set1_epi16(static_cast<short>(how.odd));
  const __m128i shift = _mm_cvtsi32_si128(static_cast<int>(how.shift));
  for (std::size_t i = 0; i < count; i += 16) {
    const __m256i near = load(in + i);
    const __m256i nearer = _mm256_add_epi16(near, _mm256_add_epi16(near, near));
    const __m256i before = _mm256_add_epi16(load(in + i - 1), even_bias);
    const __m256i after = _mm256_add_epi16(load(in + i + 1), odd_bias);
    const __m256i even = _mm256_srl_epi16(_mm256_add_epi16(nearer, before), shift);
    const __m256i odd = _mm256_srl_epi16(_mm256_add_epi16(nearer, after), shift);
    // Levels fit in bytes, so the odd ones need but be moved beside the even ones.
    const __m256i both = _mm256_or_si256(even, _mm256_slli_epi16(odd, 8));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 2 * i), both);
  }
}

struct Rgb {
  __m256i r, g, b;
};

// Of 16 pixels, in 16 bits.
HEADRACE_AVX2 inline Rgb convert(__m256i y, __m256i cb, __m256i cr) {
  const __m256i middle = _mm256_set1_epi16(128);
  cb = _mm256_sub_epi16(cb, middle);
  cr = _mm256_sub_epi16(cr, middle);
  // (91881 x + 2^15) >> 16 = x + (13175 x + 2^14 >> 15) for all x in -128..127; the blue one is
  // exact by its factors alone.
  const __m256i red = _mm256_add_epi16(cr, _mm256_mulhrs_epi16(cr, _mm256_set1_epi16(13175)));
  const __m256i blue =
      _mm256_add_epi16(_mm256_add_epi16(cb, cb), _mm256_mulhrs_epi16(cb, _mm256_set1_epi16(-7471)));
  // -46802 = 18734 - 2^16
  const Wide chroma = weigh(interleave(cb, cr), -22554, 18734);
  const __m256i green = _mm256_sub_epi16(shift_off<16>(add_half<16>(chroma)), cr);
  return {_mm256_add_epi16(y, red), _mm256_add_epi16(y, green), _mm256_add_epi16(y, blue)};
}

// Where the bytes of a colour go in each 16 bytes of RGB, and from where; -1: nowhere.
struct Spread {
  alignas(32) std::array<std::array<std::array<std::int8_t, 32>, 3>, 3> of{};

  constexpr Spread() {
    for (std::size_t part = 0; part < 3; ++part) {
      for (std::size_t i = 0; i < 32; ++i) {
        const std::size_t at = 16 * part + i % 16;
        for (std::size_t c = 0; c < 3; ++c) {
          of[part][c][i] = at % 3 == c ? static_cast<std::int8_t>(at / 3) : std::int8_t{-1};
        }
      }
    }
  }
};
constexpr Spread spread;

HEADRACE_AVX2 inline void convert_32(const std::uint8_t* y, const std::uint8_t* cb,
                                     const std::uint8_t* cr, std::uint8_t* rgb) {
  const __m256i zero = _mm256_setzero_si256();
  const Wide ys = {_mm256_unpacklo_epi8(load(y), zero), _mm256_unpackhi_epi8(load(y), zero)};
  const Wide cbs = {_mm256_unpacklo_epi8(load(cb), zero), _mm256_unpackhi_epi8(load(cb), zero)};
  const Wide crs = {_mm256_unpacklo_epi8(load(cr), zero), _mm256_unpackhi_epi8(load(cr), zero)};
  const Rgb low = convert(ys.low, cbs.low, crs.low);
  const Rgb high = convert(ys.high, cbs.high, crs.high);
  const __m256i r = _mm256_packus_epi16(low.r, high.r);
  const __m256i g = _mm256_packus_epi16(low.g, high.g);
  const __m256i b = _mm256_packus_epi16(low.b, high.b);
  __m256i parts[3];
  for (std::size_t i = 0; i < 3; ++i) {
    const __m256i reds = _mm256_shuffle_epi8(r, load(spread.of[i][0].data()));
    const __m256i greens = _mm256_shuffle_epi8(g, load(spread.of[i][1].data()));
    const __m256i blues = _mm256_shuffle_epi8(b, load(spread.of[i][2].data()));
    parts[i] = _mm256_or_si256(reds, _mm256_or_si256(greens, blues));
  }
  auto* const to = reinterpret_cast<__m256i*>(rgb);
  _mm256_storeu_si256(to, _mm256_permute2x128_si256(parts[0], parts[1], 0x20));
  _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(parts[2], parts[0], 0x30));
  _mm256_storeu_si256(to + 2, _mm256_permute2x128_si256(parts[1], parts[2], 0x31));
}

HEADRACE_AVX2 void to_rgb(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr,
                          std::size_t count, std::uint8_t* rgb) {
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) convert_32(y + i, cb + i, cr + i, rgb + 3 * i);
  if (i == count) return;
  std::array<std::uint8_t, 96> rest;
  convert_32(y + i, cb + i, cr + i, rest.data());
  std::memcpy(rgb + 3 * i, rest.data(), 3 * (count - i));
}

}  // namespace

const PixelKernels* avx2_pixel_kernels() {
  static const PixelKernels kernels = {
      "avx2", inverse_dct, inverse_dct_to_4, inverse_dct_to_2, blend_rows, interpolate, to_rgb};
  return __builtin_cpu_supports("avx2") != 0 ? &kernels : nullptr;
}

}  // namespace headrace::baseline

#else

namespace headrace::baseline {
const PixelKernels* avx2_pixel_kernels() { return nullptr; }
}  // namespace headrace::baseline

#endif
