#include "headrace/formats/baseline/pixel_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <array>
#include <cstring>

#include "headrace/formats/baseline/inverse_dct_constants.h"

#define HEADRACE_AVX2 __attribute__((target("avx2")))

namespace headrace::baseline {
namespace {

// Eight rows of 16-bit numbers, of one block in the low halves and of another in the high ones.
using Rows = __m256i[8];

HEADRACE_AVX2 inline __m256i load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

HEADRACE_AVX2 inline __m128i load_half(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

HEADRACE_AVX2 inline __m256i factors(int a, int b) {
  return _mm256_set1_epi32(
      static_cast<int>(static_cast<unsigned>(b) << 16 | (static_cast<unsigned>(a) & 0xFFFF)));
}

// Sums of 32 bits, in the halves that unpacking makes; packing brings them back in order.
struct Wide {
  __m256i low;
  __m256i high;
};

HEADRACE_AVX2 inline Wide interleave(__m256i a, __m256i b) {
  return {_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)};
}

// a p + b q of interleaved a and b.
HEADRACE_AVX2 inline Wide weigh(const Wide& ab, int p, int q) {
  const __m256i pq = factors(p, q);
  return {_mm256_madd_epi16(ab.low, pq), _mm256_madd_epi16(ab.high, pq)};
}

HEADRACE_AVX2 inline Wide operator+(const Wide& a, const Wide& b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}

HEADRACE_AVX2 inline Wide operator-(const Wide& a, const Wide& b) {
  return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}

template <int shift>
HEADRACE_AVX2 inline __m256i round_off(const Wide& wide) {
  const __m256i half = _mm256_set1_epi32(1 << (shift - 1));
  return _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(wide.low, half), shift),
                            _mm256_srai_epi32(_mm256_add_epi32(wide.high, half), shift));
}

// As the portable one, with factors of the same number added up before.
template <int shift>
HEADRACE_AVX2 inline void transform(Rows& r) {
  using namespace dct;
  const Wide r26 = interleave(r[2], r[6]);
  const Wide r04 = interleave(r[0], r[4]);
  const Wide even2 = weigh(r26, f0_541, f0_541 - f1_847);
  const Wide even3 = weigh(r26, f0_541 + f0_765, f0_541);
  const Wide even0 = weigh(r04, 1 << constant_bits, 1 << constant_bits);
  const Wide even1 = weigh(r04, 1 << constant_bits, -(1 << constant_bits));

  const Wide sums = interleave(_mm256_add_epi16(r[7], r[3]), _mm256_add_epi16(r[5], r[1]));
  const Wide z3 = weigh(sums, f1_175 - f1_961, f1_175);
  const Wide z4 = weigh(sums, f1_175, f1_175 - f0_390);
  const Wide r71 = interleave(r[7], r[1]);
  const Wide r53 = interleave(r[5], r[3]);
  const Wide odd0 = weigh(r71, -f0_899, f1_501 - f0_899) + z4;
  const Wide odd1 = weigh(r53, -f2_562, f3_072 - f2_562) + z3;
  const Wide odd2 = weigh(r53, f2_053 - f2_562, -f2_562) + z4;
  const Wide odd3 = weigh(r71, f0_298 - f0_899, -f0_899) + z3;

  const Wide sum03 = even0 + even3;
  const Wide sum12 = even1 + even2;
  const Wide difference12 = even1 - even2;
  const Wide difference03 = even0 - even3;
  r[0] = round_off<shift>(sum03 + odd0);
  r[7] = round_off<shift>(sum03 - odd0);
  r[1] = round_off<shift>(sum12 + odd1);
  r[6] = round_off<shift>(sum12 - odd1);
  r[2] = round_off<shift>(difference12 + odd2);
  r[5] = round_off<shift>(difference12 - odd2);
  r[3] = round_off<shift>(difference03 + odd3);
  r[4] = round_off<shift>(difference03 - odd3);
}

HEADRACE_AVX2 inline void transpose(Rows& r) {
  Rows a;
  for (std::size_t i = 0; i < 4; ++i) {
    a[2 * i] = _mm256_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
    a[2 * i + 1] = _mm256_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
  }
  Rows b;
  for (std::size_t i = 0; i < 2; ++i) {
    b[i] = _mm256_unpacklo_epi32(a[i], a[i + 2]);
    b[i + 2] = _mm256_unpackhi_epi32(a[i], a[i + 2]);
    b[i + 4] = _mm256_unpacklo_epi32(a[i + 4], a[i + 6]);
    b[i + 6] = _mm256_unpackhi_epi32(a[i + 4], a[i + 6]);
  }
  // b[0]: columns 0 1 of rows 0..3, b[2]: columns 2 3, b[1]: columns 4 5, b[3]: columns 6 7;
  // b[4..7]: the same of rows 4..7.
  constexpr std::array<std::size_t, 4> order = {0, 2, 1, 3};
  for (std::size_t i = 0; i < 4; ++i) {
    r[2 * i] = _mm256_unpacklo_epi64(b[order[i]], b[order[i] + 4]);
    r[2 * i + 1] = _mm256_unpackhi_epi64(b[order[i]], b[order[i] + 4]);
  }
}

// False if a block is beyond PixelKernels::most_energy.
HEADRACE_AVX2 inline bool dequantize(const BlockPair& pair, Rows& rows) {
  __m256i lost = _mm256_setzero_si256();
  __m256i energy = _mm256_setzero_si256();
  for (std::size_t i = 0; i < 8; ++i) {
    const __m256i values = _mm256_set_m128i(load_half(pair.coefficients[1] + 8 * i),
                                            load_half(pair.coefficients[0] + 8 * i));
    const __m256i factor = _mm256_broadcastsi128_si256(load_half(pair.quantization + 8 * i));
    rows[i] = _mm256_mullo_epi16(values, factor);
    const __m256i high = _mm256_mulhi_epi16(values, factor);
    lost = _mm256_or_si256(lost, _mm256_xor_si256(high, _mm256_srai_epi16(rows[i], 15)));
    energy = _mm256_adds_epu16(energy, _mm256_abs_epi16(rows[i]));
  }
  energy = _mm256_adds_epu16(energy, _mm256_srli_si256(energy, 8));
  energy = _mm256_adds_epu16(energy, _mm256_srli_si256(energy, 4));
  energy = _mm256_adds_epu16(energy, _mm256_srli_si256(energy, 2));
  const __m256i first = _mm256_set_epi64x(0, 0xFFFF, 0, 0xFFFF);
  const __m256i too_much = _mm256_and_si256(
      first, _mm256_subs_epu16(energy, _mm256_set1_epi16(PixelKernels::most_energy)));
  const __m256i bad = _mm256_or_si256(lost, too_much);
  return _mm256_testz_si256(bad, bad) != 0;
}

HEADRACE_AVX2 inline void store_two_rows(__m256i rows, std::size_t y, const BlockPair& pair) {
  for (int i = 0; i < 2; ++i) {
    const __m128i half = i == 0 ? _mm256_castsi256_si128(rows) : _mm256_extracti128_si256(rows, 1);
    std::uint8_t* const to = pair.samples[i] + y * pair.row_bytes;
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), half);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to + pair.row_bytes),
                     _mm_unpackhi_epi64(half, half));
  }
}

HEADRACE_AVX2 inline __m256i to_bytes(__m256i a, __m256i b) {
  return _mm256_xor_si256(_mm256_packs_epi16(a, b), _mm256_set1_epi8(static_cast<char>(0x80)));
}

HEADRACE_AVX2 bool inverse_dct(const BlockPair& pair) {
  Rows r;
  if (!dequantize(pair, r)) return false;
  transform<dct::constant_bits - dct::pass_bits>(r);
  transpose(r);
  transform<dct::constant_bits + dct::pass_bits + 3>(r);
  // Registers are columns now: of their bytes fewer instructions make rows.
  __m256i highest = _mm256_abs_epi16(r[0]);
  for (std::size_t i = 1; i < 8; ++i) {
    highest = _mm256_max_epi16(highest, _mm256_abs_epi16(r[i]));
  }
  const __m256i c02 = to_bytes(r[0], r[2]);
  const __m256i c13 = to_bytes(r[1], r[3]);
  const __m256i c46 = to_bytes(r[4], r[6]);
  const __m256i c57 = to_bytes(r[5], r[7]);
  const __m256i c01 = _mm256_unpacklo_epi8(c02, c13);
  const __m256i c23 = _mm256_unpackhi_epi8(c02, c13);
  const __m256i c45 = _mm256_unpacklo_epi8(c46, c57);
  const __m256i c67 = _mm256_unpackhi_epi8(c46, c57);
  const __m256i left_top = _mm256_unpacklo_epi16(c01, c23);
  const __m256i left_bottom = _mm256_unpackhi_epi16(c01, c23);
  const __m256i right_top = _mm256_unpacklo_epi16(c45, c67);
  const __m256i right_bottom = _mm256_unpackhi_epi16(c45, c67);
  store_two_rows(_mm256_unpacklo_epi32(left_top, right_top), 0, pair);
  store_two_rows(_mm256_unpackhi_epi32(left_top, right_top), 2, pair);
  store_two_rows(_mm256_unpacklo_epi32(left_bottom, right_bottom), 4, pair);
  store_two_rows(_mm256_unpackhi_epi32(left_bottom, right_bottom), 6, pair);
  const __m256i beyond = _mm256_cmpgt_epi16(highest, _mm256_set1_epi16(PixelKernels::most_level));
  return _mm256_testz_si256(beyond, beyond) != 0;
}

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
  const __m256i green = _mm256_sub_epi16(round_off<16>(chroma), cr);
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
  static const PixelKernels kernels = {"avx2", inverse_dct, blend_rows, interpolate, to_rgb};
  return __builtin_cpu_supports("avx2") != 0 ? &kernels : nullptr;
}

}  // namespace headrace::baseline

#else

namespace headrace::baseline {
const PixelKernels* avx2_pixel_kernels() { return nullptr; }
}  // namespace headrace::baseline

#endif
