#if defined(__x86_64__)

#include <algorithm>

#include "headrace/augment/avx512.h"
#include "headrace/augment/kernels_x86.h"

namespace headrace::x86 {
namespace {

constexpr std::size_t bytes = 64;

// A table of 256 levels in registers: the upper bit of a level says in which half it is.
struct Table {
  __m512i quarters[4];

  HEADRACE_WIDE explicit Table(const std::uint8_t* table) {
    for (int i = 0; i < 4; ++i) quarters[i] = _mm512_loadu_si512(table + 64 * i);
  }

  HEADRACE_WIDE __m512i at(__m512i levels) const {
    const __m512i low = _mm512_permutex2var_epi8(quarters[0], levels, quarters[1]);
    const __m512i high = _mm512_permutex2var_epi8(quarters[2], levels, quarters[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(levels), low, high);
  }
};

HEADRACE_WIDE void look_up_one(std::uint8_t* levels, std::size_t count, const Table& table) {
  std::size_t e = 0;
  for (; e + bytes <= count; e += bytes) {
    _mm512_storeu_si512(levels + e, table.at(_mm512_loadu_si512(levels + e)));
  }
  if (e == count) return;
  const __mmask64 rest = (__mmask64{1} << (count - e)) - 1;
  const __m512i some = _mm512_maskz_loadu_epi8(rest, levels + e);
  _mm512_mask_storeu_epi8(levels + e, rest, table.at(some));
}

// Three channels in turn: three vectors begin with another one each.
HEADRACE_WIDE void look_up_three(std::uint8_t* levels, std::size_t count, const Table& first,
                                 const Table& second, const Table& third) {
  constexpr __mmask64 every_third = 0x9249249249249249;
  const __mmask64 seconds[3] = {every_third << 1, every_third, every_third << 2};
  const __mmask64 thirds[3] = {every_third << 2, every_third << 1, every_third};
  int phase = 0;
  for (std::size_t e = 0; e < count; e += bytes) {
    const std::size_t left = std::min(bytes, count - e);
    const __mmask64 valid = left == bytes ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
    const __m512i before = _mm512_maskz_loadu_epi8(valid, levels + e);
    __m512i after = first.at(before);
    after = _mm512_mask_mov_epi8(after, seconds[phase], second.at(before));
    after = _mm512_mask_mov_epi8(after, thirds[phase], third.at(before));
    _mm512_mask_storeu_epi8(levels + e, valid, after);
    phase = phase == 2 ? 0 : phase + 1;
  }
}

}  // namespace

HEADRACE_WIDE void look_up_wide(std::uint8_t* levels, std::size_t count,
                                const std::uint8_t (*tables)[256], std::size_t channels) {
  if (channels == 1) {
    look_up_one(levels, count, Table(tables[0]));
  } else if (channels == 3) {
    look_up_three(levels, count, Table(tables[0]), Table(tables[1]), Table(tables[2]));
  } else {
    portable_paint_kernels().look_up(levels, count, tables, channels);
  }
}

}  // namespace headrace::x86

#endif
