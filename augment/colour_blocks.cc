#include "headrace/augment/colour_blocks.h"

#if defined(__x86_64__)
#include "headrace/augment/avx512.h"
#endif

namespace headrace {

void split_colours(const std::uint8_t* levels, ColourBlock& block) {
  for (std::size_t i = 0; i < ColourBlock::pixels; ++i) {
    for (std::size_t c = 0; c < 3; ++c) block.of[c][i] = levels[3 * i + c];
  }
}

void join_colours(const ColourBlock& block, std::uint8_t* levels) {
  for (std::size_t i = 0; i < ColourBlock::pixels; ++i) {
    for (std::size_t c = 0; c < 3; ++c) levels[3 * i + c] = block.of[c][i];
  }
}

#if defined(__x86_64__)

namespace x86 {
namespace {

#define HEADRACE_AVX2 __attribute__((target("avx2")))

constexpr std::uint8_t none = 0x80;  // what a shuffle makes 0 of

// Three registers of a group's levels as they lie in memory, and three of a channel each: which
// byte of the one becomes which byte of the other. Groups of 16 pixels for AVX2, of 64 otherwise.
using Shuffle = std::array<std::uint8_t, 32>;  // twice the same
using Shuffles = std::array<std::array<Shuffle, 3>, 3>;

constexpr Shuffles shuffles(bool splits) {
  Shuffles all{};
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t part = 0; part < 3; ++part) {
      for (std::size_t i = 0; i < 32; ++i) {
        const std::size_t place = splits ? 3 * (i % 16) + c : 16 * part + i % 16;
        const bool here = splits ? place / 16 == part : place % 3 == c;
        const std::size_t from = splits ? place % 16 : place / 3;
        all[c][part][i] = here ? static_cast<std::uint8_t>(from) : none;
      }
    }
  }
  return all;
}

alignas(32) constexpr Shuffles split_order = shuffles(true);
alignas(32) constexpr Shuffles join_order = shuffles(false);

HEADRACE_AVX2 inline __m256i shuffled(__m256i bytes, const Shuffle& order) {
  return _mm256_shuffle_epi8(bytes,
                             _mm256_load_si256(reinterpret_cast<const __m256i*>(order.data())));
}

HEADRACE_AVX2 inline __m256i load_two(const std::uint8_t* low, const std::uint8_t* high) {
  return _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(low))),
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(high)), 1);
}

// Permutations of two registers of which the first gathers what lies in two of three parts, the
// second the rest.
struct Permutation {
  alignas(64) std::array<std::uint8_t, 64> first;
  alignas(64) std::array<std::uint8_t, 64> second;
};

constexpr std::array<Permutation, 3> permutations(bool splits) {
  std::array<Permutation, 3> all{};
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t i = 0; i < 64; ++i) {
      const std::size_t place = splits ? 3 * i + r : 64 * r + i;
      const std::size_t part = splits ? place / 64 : place % 3;
      const std::size_t from = splits ? place % 64 : place / 3;
      all[r].first[i] = static_cast<std::uint8_t>(part < 2 ? 64 * part + from : 0);
      all[r].second[i] = static_cast<std::uint8_t>(part < 2 ? i : 64 + from);
    }
  }
  return all;
}

constexpr std::array<Permutation, 3> wide_split = permutations(true);
constexpr std::array<Permutation, 3> wide_join = permutations(false);

HEADRACE_WIDE inline __m512i permuted(const Permutation& order, __m512i a, __m512i b, __m512i c) {
  const __m512i two = _mm512_permutex2var_epi8(a, _mm512_load_si512(order.first.data()), b);
  return _mm512_permutex2var_epi8(two, _mm512_load_si512(order.second.data()), c);
}

}  // namespace

HEADRACE_AVX2 void split_colours(const std::uint8_t* levels, ColourBlock& block) {
  for (std::size_t i = 0; i < ColourBlock::pixels; i += 32) {
    const std::uint8_t* group = levels + 3 * i;
    const __m256i a = load_two(group, group + 48);
    const __m256i b = load_two(group + 16, group + 64);
    const __m256i d = load_two(group + 32, group + 80);
    for (std::size_t c = 0; c < 3; ++c) {
      const __m256i two =
          _mm256_or_si256(shuffled(a, split_order[c][0]), shuffled(b, split_order[c][1]));
      _mm256_store_si256(reinterpret_cast<__m256i*>(block.of[c].data() + i),
                         _mm256_or_si256(two, shuffled(d, split_order[c][2])));
    }
  }
}

HEADRACE_AVX2 void join_colours(const ColourBlock& block, std::uint8_t* levels) {
  for (std::size_t i = 0; i < ColourBlock::pixels; i += 32) {
    std::uint8_t* group = levels + 3 * i;
    const auto load = [&](std::size_t c) HEADRACE_AVX2 {
      return _mm256_load_si256(reinterpret_cast<const __m256i*>(block.of[c].data() + i));
    };
    const __m256i red = load(0);
    const __m256i green = load(1);
    const __m256i blue = load(2);
    for (std::size_t part = 0; part < 3; ++part) {
      const __m256i two =
          _mm256_or_si256(shuffled(red, join_order[0][part]), shuffled(green, join_order[1][part]));
      const __m256i all = _mm256_or_si256(two, shuffled(blue, join_order[2][part]));
      auto* to = reinterpret_cast<__m128i*>(group + 16 * part);
      _mm_storeu_si128(to, _mm256_castsi256_si128(all));
      _mm_storeu_si128(to + 3, _mm256_extracti128_si256(all, 1));
    }
  }
}

HEADRACE_WIDE void split_colours_wide(const std::uint8_t* levels, ColourBlock& block) {
  const __m512i a = _mm512_loadu_si512(levels);
  const __m512i b = _mm512_loadu_si512(levels + 64);
  const __m512i d = _mm512_loadu_si512(levels + 128);
  for (std::size_t c = 0; c < 3; ++c) {
    _mm512_store_si512(block.of[c].data(), permuted(wide_split[c], a, b, d));
  }
}

HEADRACE_WIDE void join_colours_wide(const ColourBlock& block, std::uint8_t* levels) {
  const __m512i red = _mm512_load_si512(block.of[0].data());
  const __m512i green = _mm512_load_si512(block.of[1].data());
  const __m512i blue = _mm512_load_si512(block.of[2].data());
  for (std::size_t part = 0; part < 3; ++part) {
    _mm512_storeu_si512(levels + 64 * part, permuted(wide_join[part], red, green, blue));
  }
}

}  // namespace x86

#endif

}  // namespace headrace
