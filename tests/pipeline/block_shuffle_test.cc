#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <vector>

#include "headrace/pipeline/epoch_order.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/rng.h"

namespace headrace {
namespace {

EpochOrder order_of(std::int64_t size, BlockShuffle blocks, std::uint64_t epoch = 0,
                    std::uint64_t seed = 1) {
  return {size, Shuffle::blocks, seed, epoch, blocks};
}

std::vector<std::int64_t> all_of(const EpochOrder& order) {
  std::vector<std::int64_t> indices;
  for (std::int64_t p = 0; p < order.size(); ++p) indices.push_back(order.index_at(p));
  return indices;
}

void expect_permutation(std::int64_t size, BlockShuffle blocks, std::uint64_t epoch) {
  const EpochOrder order = order_of(size, blocks, epoch);
  std::vector<bool> seen(static_cast<std::size_t>(size));
  for (std::int64_t p = 0; p < size; ++p) {
    const std::int64_t index = order.index_at(p);
    ASSERT_TRUE(index >= 0 && index < size) << size << ": " << blocks.samples;
    ASSERT_FALSE(seen[static_cast<std::size_t>(index)]) << size << ": " << blocks.samples;
    seen[static_cast<std::size_t>(index)] = true;
    ASSERT_EQ(order.position_of(index), p) << size << ": " << blocks.samples;
  }
}

TEST(BlockShuffle, IsAPermutationForEverySizeBlockAndWindow) {
  for (std::int64_t size = 0; size <= 70; ++size) {
    for (std::int64_t samples = 1; samples <= size + 1; ++samples) {
      for (const std::int64_t window : {1, 2, 3, 7, 100}) {
        expect_permutation(size, {samples, window}, static_cast<std::uint64_t>(size));
      }
    }
  }
  for (const std::int64_t size : {1000, 4095, 4096, 4097, 100'003}) {
    for (const std::int64_t samples : {1, 10, 64, 1000, 100'000}) {
      for (const std::int64_t window : {1, 5, 64}) expect_permutation(size, {samples, window}, 3);
    }
  }
}

TEST(BlockShuffle, InverseHoldsAtHugeSizes) {
  constexpr std::int64_t most = INT64_MAX;
  for (const std::int64_t size : {std::int64_t{1'000'000'000'003}, most}) {
    for (const BlockShuffle blocks :
         {BlockShuffle{64, 64}, BlockShuffle{1, most}, BlockShuffle{most, most},
          BlockShuffle{most - 1, 1}, BlockShuffle{most / 2 + 2, 2}}) {
      const EpochOrder order = order_of(size, blocks);
      Rng rng(9, 9);
      for (int i = 0; i < 5000; ++i) {
        const std::int64_t position =
            i == 0 ? size - 1
                   : static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(size)));
        const std::int64_t index = order.index_at(position);
        ASSERT_TRUE(index >= 0 && index < size);
        ASSERT_EQ(order.position_of(index), position);
      }
    }
  }
}

TEST(BlockShuffle, AWindowIsMadeOfWholeBlocks) {
  constexpr std::int64_t size = 1003, samples = 10, window = 7;  // the last block has 3
  for (std::uint64_t epoch = 0; epoch < 10; ++epoch) {
    const auto order = all_of(order_of(size, {samples, window}, epoch));
    std::set<std::int64_t> blocks;  // of the window under way
    std::size_t left = 0;           // samples of it still to come
    std::size_t windows = 0;
    for (std::size_t p = 0; p < order.size(); ++p) {
      if (left == 0) {
        blocks.clear();
        const std::size_t whole = std::min<std::size_t>(window * samples, order.size() - p);
        for (std::size_t i = p; i < p + whole; ++i) blocks.insert(order[i] / samples);
        // Where it holds the short block, its end came too late by 7 samples, of one block more.
        const bool has_short = blocks.contains(100);
        left = has_short && whole == window * samples ? whole - 7 : whole;
        blocks.clear();
        for (std::size_t i = p; i < p + left; ++i) blocks.insert(order[i] / samples);
        ASSERT_EQ(blocks.size(), ++windows == 15 ? 3u : 7u);
      }
      ASSERT_TRUE(blocks.contains(order[p] / samples));
      --left;
    }
    EXPECT_EQ(windows, 15u);
  }
}

TEST(BlockShuffle, DiffersByEpochAndBySeedAndRepeatsForTheSame) {
  const auto order = all_of(order_of(1000, {16, 4}, 1, 1));
  EXPECT_EQ(order, all_of(order_of(1000, {16, 4}, 1, 1)));
  EXPECT_NE(order, all_of(order_of(1000, {16, 4}, 2, 1)));
  EXPECT_NE(order, all_of(order_of(1000, {16, 4}, 1, 2)));
}

TEST(BlockShuffle, EveryOrderOfAFewBlocksAndOfTheirSamplesIsAboutEquallyLikely) {
  // Two windows of two blocks of one sample, then one window of all: 24 orders each.
  for (const BlockShuffle blocks : {BlockShuffle{1, 2}, BlockShuffle{2, 2}}) {
    std::map<std::vector<std::int64_t>, int> counts;
    for (std::uint64_t seed = 0; seed < 24 * 200; ++seed) {
      ++counts[all_of(order_of(4, blocks, 0, seed))];
    }
    EXPECT_EQ(counts.size(), 24u);
    for (const auto& [order, count] : counts) {
      EXPECT_GT(count, 100);
      EXPECT_LT(count, 320);
    }
  }
}

TEST(BlockShuffle, WindowsOfOneEpochAreShuffledUnlikeEachOther) {
  const EpochOrder order = order_of(64 * 100, {64, 1});
  std::set<std::vector<std::int64_t>> patterns;
  for (std::int64_t window = 0; window < 100; ++window) {
    std::vector<std::int64_t> pattern;
    for (std::int64_t i = 0; i < 64; ++i) pattern.push_back(order.index_at(window * 64 + i) % 64);
    patterns.insert(pattern);
  }
  EXPECT_EQ(patterns.size(), 100u);
}

struct Quality {
  double pairs = 0;
  double classes = 0;
  double distance = 0;
};

// As in the table of epoch_order.h, over fewer epochs.
Quality quality_of(Shuffle shuffle, BlockShuffle blocks) {
  constexpr std::int64_t size = 100'000, class_size = 100, batch = 256;
  constexpr int epochs = 3;
  Quality sum;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    const EpochOrder order(size, shuffle, 7, static_cast<std::uint64_t>(epoch), blocks);
    std::set<std::int64_t> classes;
    std::int64_t last = -size;
    for (std::int64_t p = 0; p < size; ++p) {
      const std::int64_t index = order.index_at(p);
      sum.pairs += std::abs(index - last) < 64;
      sum.distance += static_cast<double>(std::abs(index - p)) / size;
      classes.insert(index / class_size);
      if (p % batch == batch - 1) {
        sum.classes += static_cast<double>(classes.size());
        classes.clear();
      }
      last = index;
    }
  }
  constexpr double samples = static_cast<double>(size) * epochs;
  return {sum.pairs / samples, sum.classes / (epochs * (size / batch)), sum.distance / samples};
}

TEST(BlockShuffle, MixesAsWellAsItsHeaderSays) {
  struct {
    Shuffle shuffle;
    BlockShuffle blocks;
    Quality expected;
  } const rows[] = {{Shuffle::none, {}, {1.000, 4, 0}},
                    {Shuffle::blocks, {64, 1}, {0.984, 7, 0.332}},
                    {Shuffle::blocks, {64, 16}, {0.062, 27, 0.332}},
                    {Shuffle::blocks, {}, {0.016, 83, 0.332}},
                    {Shuffle::blocks, {64, 256}, {0.005, 169, 0.332}},
                    {Shuffle::full, {}, {0.001, 226, 0.333}}};
  for (const auto& row : rows) {
    const Quality quality = quality_of(row.shuffle, row.blocks);
    EXPECT_NEAR(quality.pairs, row.expected.pairs, 0.003);
    EXPECT_NEAR(quality.classes, row.expected.classes, 1.5);
    EXPECT_NEAR(quality.distance, row.expected.distance, 0.01);
  }
}

TEST(BlockShuffle, RefusesBlocksThatMakeNoSense) {
  for (const BlockShuffle blocks : {BlockShuffle{0, 4}, BlockShuffle{4, 0}, BlockShuffle{-1, 4}}) {
    EXPECT_THROW(order_of(100, blocks), Error);
    EXPECT_THROW(order_of(0, blocks), Error);
  }
}

}  // namespace
}  // namespace headrace
