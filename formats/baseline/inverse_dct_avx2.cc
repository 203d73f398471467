#include "headrace/formats/baseline/inverse_dct_avx2.h"

#if defined(__x86_64__)

#include <array>
#include <cstring>

#include "headrace/formats/baseline/avx2_words.h"
#include "headrace/formats/baseline/inverse_dct_constants.h"
#include "headrace/formats/baseline/switches.h"

namespace headrace::baseline::avx2 {
namespace {

// Eight rows of 16-bit numbers, of one block in the low halves and of another in the high ones.
using Rows = __m256i[8];

struct Pair {
  const BlockTransform& a;
  const BlockTransform& b;
};

// As the portable one, with factors of the same number added up before, and the half once for all.
template <int shift>
HEADRACE_AVX2 inline void transform(Rows& r) {
  using namespace dct;
  const Wide r26 = interleave(r[2], r[6]);
  const Wide r04 = interleave(r[0], r[4]);
  const Wide even2 = weigh(r26, f0_541, f0_541 - f1_847);
  const Wide even3 = weigh(r26, f0_541 + f0_765, f0_541);
  const Wide even0 = add_half<shift>(weigh(r04, 1 << constant_bits, 1 << constant_bits));
  const Wide even1 = add_half<shift>(weigh(r04, 1 << constant_bits, -(1 << constant_bits)));

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
  r[0] = shift_off<shift>(sum03 + odd0);
  r[7] = shift_off<shift>(sum03 - odd0);
  r[1] = shift_off<shift>(sum12 + odd1);
  r[6] = shift_off<shift>(sum12 - odd1);
  r[2] = shift_off<shift>(difference12 + odd2);
  r[5] = shift_off<shift>(difference12 - odd2);
  r[3] = shift_off<shift>(difference03 + odd3);
  r[4] = shift_off<shift>(difference03 - odd3);
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

// The sums of absolute dequantized coefficients, of two columns each, of either block.
using Energy = __m256i;

HEADRACE_AVX2 inline Energy dequantize(const Pair& pair, Rows& rows) {
  Energy energy = _mm256_setzero_si256();
  for (std::size_t i = 0; i < 8; ++i) {
    const __m256i values = load_halves(pair.a.coefficients + 8 * i, pair.b.coefficients + 8 * i);
    const __m256i steps = load_halves(pair.a.quantization + 8 * i, pair.b.quantization + 8 * i);
    rows[i] = _mm256_mullo_epi16(values, steps);
    if (trusts_files) continue;
    energy = _mm256_add_epi32(energy, _mm256_madd_epi16(_mm256_abs_epi16(values), steps));
  }
  return energy;
}

HEADRACE_AVX2 inline bool exceeds(Energy energy, __m256i limits) {
  const __m256i beyond = _mm256_cmpgt_epi32(energy, limits);
  return _mm256_testz_si256(beyond, beyond) == 0;
}

// Whether neither block can be beyond any limit: a level is at most a quarter of the sum of
// coefficients (ITU-T T.81, A.3.3), and where four parts of that add up to 4 * 510 rounding does
// not lead beyond most_level. So it is with nearly all blocks; the first columns hold most of them.
HEADRACE_AVX2 inline bool is_calm(Energy energy) {
  constexpr std::array<int, 4> most = {1240, 420, 220, 160};
  static_assert(most[0] + most[1] + most[2] + most[3] == 4 * (PixelKernels::most_level - 1));
  const __m256i limits =
      _mm256_setr_epi32(most[0], most[1], most[2], most[3], most[0], most[1], most[2], most[3]);
  return trusts_files || !exceeds(energy, limits);
}

// Whether neither block is beyond PixelKernels::most_energy.
HEADRACE_AVX2 inline bool is_within_16_bits(Energy energy) {
  const __m256i limit = _mm256_set1_epi32(PixelKernels::most_energy);
  if (exceeds(energy, limit)) return false;
  const __m256i halves = _mm256_hadd_epi32(energy, energy);
  return !exceeds(_mm256_hadd_epi32(halves, halves), limit);
}

HEADRACE_AVX2 inline void store_two_rows(__m128i rows, std::size_t y, const BlockTransform& block) {
  std::uint8_t* const to = block.samples + y * block.row_bytes;
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), rows);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to + block.row_bytes),
                   _mm_unpackhi_epi64(rows, rows));
}

HEADRACE_AVX2 inline void store_two_rows(__m256i rows, std::size_t y, const Pair& pair) {
  store_two_rows(_mm256_castsi256_si128(rows), y, pair.a);
  store_two_rows(_mm256_extracti128_si256(rows, 1), y, pair.b);
}

HEADRACE_AVX2 inline __m256i to_bytes(__m256i a, __m256i b) {
  return _mm256_xor_si256(_mm256_packs_epi16(a, b), _mm256_set1_epi8(static_cast<char>(0x80)));
}

// Whether none is beyond PixelKernels::most_level.
HEADRACE_AVX2 inline bool are_levels(__m256i magnitudes) {
  const __m256i beyond =
      _mm256_cmpgt_epi16(magnitudes, _mm256_set1_epi16(PixelKernels::most_level));
  return _mm256_testz_si256(beyond, beyond) != 0;
}

HEADRACE_AVX2 inline bool are_levels(const Rows& r) {
  __m256i highest = _mm256_abs_epi16(r[0]);
  for (std::size_t i = 1; i < 8; ++i) {
    highest = _mm256_max_epi16(highest, _mm256_abs_epi16(r[i]));
  }
  return are_levels(highest);
}

// Stores eight columns of levels.
HEADRACE_AVX2 inline void store_columns(const Rows& r, const Pair& pair) {
  // Of bytes fewer instructions make rows.
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
}

// The columns of a block reduced to four numbers each; four rows remain.
HEADRACE_AVX2 inline void columns_to_4(Rows& r) {
  using namespace dct;
  constexpr int shift = constant_bits - pass_bits + 1;
  const Wide r0 = interleave(r[0], _mm256_setzero_si256());
  const Wide r26 = interleave(r[2], r[6]);
  const Wide r73 = interleave(r[7], r[3]);
  const Wide r51 = interleave(r[5], r[1]);
  const Wide whole = add_half<shift>(weigh(r0, 1 << (constant_bits + 1), 0));
  const Wide rotated = weigh(r26, f1_847, -f0_765);
  const Wide outer = weigh(r73, -f0_509, f0_899) + weigh(r51, -f0_601, f2_562);
  const Wide inner = weigh(r73, -f0_211, -f2_172) + weigh(r51, f1_451, f1_061);
  const Wide sum = whole + rotated;
  const Wide difference = whole - rotated;
  r[0] = shift_off<shift>(sum + outer);
  r[3] = shift_off<shift>(sum - outer);
  r[1] = shift_off<shift>(difference + inner);
  r[2] = shift_off<shift>(difference - inner);
}

// Makes samples of dequantized blocks; false if a level is beyond PixelKernels::most_level, where
// those are looked at.
template <bool calm>
HEADRACE_AVX2 inline bool to_8(Rows& r, const Pair& pair) {
  transform<dct::constant_bits - dct::pass_bits>(r);
  transpose(r);
  transform<dct::constant_bits + dct::pass_bits + 3>(r);
  if (!calm && !are_levels(r)) return false;
  store_columns(r, pair);
  return true;
}

template <bool calm>
HEADRACE_AVX2 inline bool to_4(Rows& r, const Pair& pair) {
  using namespace dct;
  constexpr int shift = constant_bits + pass_bits + 3 + 1;
  columns_to_4(r);
  // Columns 0 1, 2 3, 4 5, 6 7 of what are four rows now.
  const __m256i a0 = _mm256_unpacklo_epi16(r[0], r[1]);
  const __m256i a1 = _mm256_unpackhi_epi16(r[0], r[1]);
  const __m256i a2 = _mm256_unpacklo_epi16(r[2], r[3]);
  const __m256i a3 = _mm256_unpackhi_epi16(r[2], r[3]);
  const __m256i c01 = _mm256_unpacklo_epi32(a0, a2);
  const __m256i c23 = _mm256_unpackhi_epi32(a0, a2);
  const __m256i c45 = _mm256_unpacklo_epi32(a1, a3);
  const __m256i c67 = _mm256_unpackhi_epi32(a1, a3);
  const __m256i c0 = _mm256_unpacklo_epi16(c01, _mm256_setzero_si256());
  const __m256i c26 = _mm256_unpacklo_epi16(c23, c67);
  const __m256i c73 = _mm256_unpackhi_epi16(c67, c23);
  const __m256i c51 = _mm256_unpackhi_epi16(c45, c01);
  const __m256i whole =
      _mm256_add_epi32(weigh(c0, 1 << (constant_bits + 1), 0), _mm256_set1_epi32(1 << (shift - 1)));
  const __m256i rotated = weigh(c26, f1_847, -f0_765);
  const __m256i outer = _mm256_add_epi32(weigh(c73, -f0_509, f0_899), weigh(c51, -f0_601, f2_562));
  const __m256i inner = _mm256_add_epi32(weigh(c73, -f0_211, -f2_172), weigh(c51, f1_451, f1_061));
  const __m256i sum = _mm256_add_epi32(whole, rotated);
  const __m256i difference = _mm256_sub_epi32(whole, rotated);
  const __m256i left =
      _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(sum, outer), shift),
                         _mm256_srai_epi32(_mm256_add_epi32(difference, inner), shift));
  const __m256i right =
      _mm256_packs_epi32(_mm256_srai_epi32(_mm256_sub_epi32(difference, inner), shift),
                         _mm256_srai_epi32(_mm256_sub_epi32(sum, outer), shift));
  const __m256i by_rows = _mm256_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0,
                                           4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  alignas(32) std::array<std::uint8_t, 32> samples;
  _mm256_store_si256(reinterpret_cast<__m256i*>(samples.data()),
                     _mm256_shuffle_epi8(to_bytes(left, right), by_rows));
  for (std::size_t y = 0; y < 4; ++y) {
    std::memcpy(pair.a.samples + y * pair.a.row_bytes, &samples[4 * y], 4);
    std::memcpy(pair.b.samples + y * pair.b.row_bytes, &samples[16 + 4 * y], 4);
  }
  return calm || are_levels(_mm256_max_epi16(_mm256_abs_epi16(left), _mm256_abs_epi16(right)));
}

template <bool calm>
HEADRACE_AVX2 inline bool to_2(Rows& r, const Pair& pair) {
  using namespace dct;
  constexpr int columns_shift = constant_bits - pass_bits + 2;
  constexpr int rows_shift = constant_bits + pass_bits + 3 + 2;
  const __m256i zero = _mm256_setzero_si256();
  const Wide high = interleave(zero, r[0]);  // 2^16 of it
  const Wide whole =
      add_half<columns_shift>({_mm256_srai_epi32(high.low, 1), _mm256_srai_epi32(high.high, 1)});
  const Wide odd = weigh(interleave(r[7], r[5]), -f0_720, f0_850) +
                   weigh(interleave(r[3], r[1]), -f1_272, f3_624);
  const __m256i top = shift_off<columns_shift>(whole + odd);
  const __m256i bottom = shift_off<columns_shift>(whole - odd);
  // Of each block: the sum of its odd columns, weighed, of both rows.
  const __m256i weights = _mm256_setr_epi16(0, f3_624, 0, -f1_272, 0, f0_850, 0, -f0_720, 0, f3_624,
                                            0, -f1_272, 0, f0_850, 0, -f0_720);
  const __m256i halves =
      _mm256_hadd_epi32(_mm256_madd_epi16(top, weights), _mm256_madd_epi16(bottom, weights));
  const __m256i row_odd = _mm256_hadd_epi32(halves, halves);
  const __m256i first = _mm256_unpacklo_epi16(zero, _mm256_unpacklo_epi16(top, bottom));
  const __m256i row_whole =
      _mm256_add_epi32(_mm256_srai_epi32(first, 1), _mm256_set1_epi32(1 << (rows_shift - 1)));
  const __m256i left = _mm256_srai_epi32(_mm256_add_epi32(row_whole, row_odd), rows_shift);
  const __m256i right = _mm256_srai_epi32(_mm256_sub_epi32(row_whole, row_odd), rows_shift);
  // Of each block: left top, left bottom, right top, right bottom.
  const __m256i levels = _mm256_packs_epi32(_mm256_unpacklo_epi64(left, right), zero);
  alignas(32) std::array<std::uint8_t, 32> samples;
  _mm256_store_si256(reinterpret_cast<__m256i*>(samples.data()), to_bytes(levels, levels));
  for (std::size_t y = 0; y < 2; ++y) {
    std::uint8_t* const a = pair.a.samples + y * pair.a.row_bytes;
    std::uint8_t* const b = pair.b.samples + y * pair.b.row_bytes;
    a[0] = samples[y];
    a[1] = samples[2 + y];
    b[0] = samples[16 + y];
    b[1] = samples[18 + y];
  }
  return calm || are_levels(_mm256_abs_epi16(levels));
}

}  // namespace

HEADRACE_AVX2 bool inverse_dct(const BlockTransform& a, const BlockTransform& b) {
  const Pair pair{a, b};
  Rows r;
  const Energy energy = dequantize(pair, r);
  if (is_calm(energy)) [[likely]]
    return to_8<true>(r, pair);
  return is_within_16_bits(energy) && to_8<false>(r, pair);
}

HEADRACE_AVX2 bool inverse_dct_to_4(const BlockTransform& a, const BlockTransform& b) {
  const Pair pair{a, b};
  Rows r;
  const Energy energy = dequantize(pair, r);
  if (is_calm(energy)) [[likely]]
    return to_4<true>(r, pair);
  return is_within_16_bits(energy) && to_4<false>(r, pair);
}

HEADRACE_AVX2 bool inverse_dct_to_2(const BlockTransform& a, const BlockTransform& b) {
  const Pair pair{a, b};
  Rows r;
  const Energy energy = dequantize(pair, r);
  if (is_calm(energy)) [[likely]]
    return to_2<true>(r, pair);
  return is_within_16_bits(energy) && to_2<false>(r, pair);
}

}  // namespace headrace::baseline::avx2

#endif
