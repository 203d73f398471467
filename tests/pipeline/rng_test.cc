#include "headrace/pipeline/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace headrace {
namespace {

using Words = std::array<std::uint32_t, 4>;

TEST(Philox, AgreesWithTheRandom123Vectors) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, EqualKeysGiveEqualDrawsWhateverWasDrawnBefore) {
  Rng used = Rng(7, 3).for_sample(11).for_operation(5);
  std::vector<std::uint32_t> first;
  for (int i = 0; i < 9; ++i) first.push_back(used.next_u32());
  Rng again = used.for_sample(11).for_operation(5);
  for (const std::uint32_t value : first) EXPECT_EQ(again.next_u32(), value);
}

TEST(Rng, SeedEpochSampleAndOperationEachMakeAnotherStream) {
  const std::uint64_t big = std::uint64_t{1} << 32;
  std::set<std::uint64_t> firsts;
  int streams = 0;
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, big}) {
    for (const std::uint64_t epoch : {std::uint64_t{0}, std::uint64_t{1}, big}) {
      firsts.insert(Rng(seed, epoch).next_u64());
      ++streams;
      for (const std::uint64_t sample : {std::uint64_t{0}, std::uint64_t{1}, big}) {
        for (const std::uint32_t operation : {0u, 1u, stream_id("flip")}) {
          firsts.insert(Rng(seed, epoch).for_sample(sample).for_operation(operation).next_u64());
          ++streams;
        }
      }
    }
  }
  EXPECT_EQ(firsts.size(), static_cast<std::size_t>(streams));
}

TEST(Rng, TheStreamItselfIsFixedForEver) {
  // Of no other meaning than that saved runs can be repeated: these values must never change.
  Rng rng = Rng(42, 1).for_sample(1'000'000).for_operation(stream_id("shift"));
  const std::uint64_t first = rng.next_u64();
  Rng same = Rng(42, 1).for_sample(1'000'000).for_operation(stream_id("shift"));
  const auto key = philox4x32({1, 0, stream_id("epoch"), 0}, {42, 0});
  const auto block = philox4x32({0, stream_id("shift"), 1'000'000, 0}, {key[0], key[1]});
  EXPECT_EQ(first, block[0] | std::uint64_t{block[1]} << 32);
  EXPECT_EQ(same.next_u32(), block[0]);
}

TEST(Rng, UniformFillsTheUnitIntervalEvenly) {
  Rng rng(1, 0);
  constexpr int draws = 100'000;
  double sum = 0;
  std::array<int, 10> bins{};
  for (int i = 0; i < draws; ++i) {
    const double x = rng.uniform();
    ASSERT_GE(x, 0);
    ASSERT_LT(x, 1);
    sum += x;
    ++bins[static_cast<std::size_t>(x * 10)];
  }
  EXPECT_NEAR(sum / draws, 0.5, 0.004);
  for (const int bin : bins) EXPECT_NEAR(bin, draws / 10, 400);
}

TEST(Rng, UniformBetweenStaysBelowItsUpperEndAndTakesAnEmptyInterval) {
  Rng rng(1, 0);
  const double high = std::nextafter(1e9, 2e9);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rng.uniform(1e9, high), 1e9);
  EXPECT_EQ(rng.uniform(2.5, 2.5), 2.5);
}

TEST(Rng, BelowIsUnbiased) {
  Rng rng(2, 0);
  constexpr int draws = 60'000;
  std::array<int, 6> bins{};
  for (int i = 0; i < draws; ++i) ++bins[rng.below(6)];
  double chi_square = 0;
  for (const int bin : bins) {
    chi_square += (bin - draws / 6.0) * (bin - draws / 6.0) / (draws / 6.0);
  }
  EXPECT_LT(chi_square, 20.5);  // 5 degrees of freedom, 0.1 %

  // Of 3/4 of 2^64, a plain multiplication would give the thirds 1:1:2 wrong.
  const std::uint64_t count = std::uint64_t{3} << 62;
  std::array<int, 3> thirds{};
  for (int i = 0; i < draws; ++i) ++thirds[rng.below(count) >> 62];
  for (const int third : thirds) EXPECT_NEAR(third, draws / 3, 600);
  EXPECT_EQ(rng.below(1), 0u);
}

TEST(Rng, NormalHasTheMomentsOfANormal) {
  Rng rng(3, 0);
  constexpr int draws = 200'000;
  double sum = 0, squares = 0, cubes = 0, fourths = 0;
  for (int i = 0; i < draws; ++i) {
    const double x = rng.normal();
    sum += x;
    squares += x * x;
    cubes += x * x * x;
    fourths += x * x * x * x;
  }
  EXPECT_NEAR(sum / draws, 0, 0.01);
  EXPECT_NEAR(squares / draws, 1, 0.015);
  EXPECT_NEAR(cubes / draws, 0, 0.04);
  EXPECT_NEAR(fourths / draws, 3, 0.1);
}

TEST(Rng, NormalIsBoxMullerOfTwoUniformDraws) {
  Rng rng(4, 0);
  Rng copy = rng;
  for (int i = 0; i < 10'000; ++i) {
    const double radius = std::sqrt(-2 * std::log(1 - copy.uniform()));
    const double expected = radius * std::cos(2 * std::acos(-1.0) * copy.uniform());
    EXPECT_NEAR(rng.normal(), expected, 1e-14);
  }
}

TEST(StreamId, IsFnv1a) {
  EXPECT_EQ(stream_id(""), 2166136261u);
  EXPECT_EQ(stream_id("a"), 0xe40c292cu);
}

}  // namespace
}  // namespace headrace
