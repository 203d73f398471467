#include "headrace/pipeline/epoch_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/rng.h"

namespace headrace {
namespace {

std::vector<std::int64_t> all_of(const EpochOrder& order) {
  std::vector<std::int64_t> indices;
  for (std::int64_t p = 0; p < order.size(); ++p) indices.push_back(order.index_at(p));
  return indices;
}

void expect_permutation(std::int64_t size, std::uint64_t seed) {
  const EpochOrder order(size, Shuffle::full, seed, 1);
  std::vector<bool> seen(static_cast<std::size_t>(size));
  for (std::int64_t p = 0; p < size; ++p) {
    const std::int64_t index = order.index_at(p);
    ASSERT_GE(index, 0) << size;
    ASSERT_LT(index, size);
    ASSERT_FALSE(seen[static_cast<std::size_t>(index)]) << "index twice, size " << size;
    seen[static_cast<std::size_t>(index)] = true;
    ASSERT_EQ(order.position_of(index), p) << "size " << size;
  }
}

TEST(EpochOrder, IsAPermutationForEverySizeUpTo2048) {
  for (std::int64_t size = 0; size <= 2048; ++size) expect_permutation(size, 5);
}

TEST(EpochOrder, IsAPermutationAroundPowersOfTwoUpToAMillion) {
  for (std::int64_t power = 4096; power <= 1'048'576; power *= 2) {
    for (const std::int64_t size : {power - 1, power, power + 1}) expect_permutation(size, 6);
  }
  expect_permutation(1'000'000, 6);
}

TEST(EpochOrder, InverseHoldsAtHugeSizes) {
  for (const std::int64_t size : {std::int64_t{1'000'000'000'000}, std::int64_t{1} << 40,
                                  (std::int64_t{1} << 41) + 1, INT64_MAX}) {
    const EpochOrder order(size, Shuffle::full, 1, 2);
    Rng rng(9, 9);
    for (int i = 0; i < 20'000; ++i) {
      const auto position = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(size)));
      const std::int64_t index = order.index_at(position);
      ASSERT_GE(index, 0);
      ASSERT_LT(index, size);
      ASSERT_EQ(order.position_of(index), position);
    }
  }
}

TEST(EpochOrder, WithoutShuffleIsTheIdentity) {
  const EpochOrder order(100, Shuffle::none, 1, 2);
  for (std::int64_t p = 0; p < 100; ++p) {
    EXPECT_EQ(order.index_at(p), p);
    EXPECT_EQ(order.position_of(p), p);
  }
}

TEST(EpochOrder, RefusesANegativeSize) { EXPECT_THROW(EpochOrder(-1, Shuffle::full, 0, 0), Error); }

TEST(EpochOrder, DiffersByEpochAndBySeedAndRepeatsForTheSame) {
  const auto order = all_of(EpochOrder(1000, Shuffle::full, 1, 1));
  EXPECT_EQ(order, all_of(EpochOrder(1000, Shuffle::full, 1, 1)));
  EXPECT_NE(order, all_of(EpochOrder(1000, Shuffle::full, 1, 2)));
  EXPECT_NE(order, all_of(EpochOrder(1000, Shuffle::full, 2, 1)));
}

double rank_correlation(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  const double n = static_cast<double>(a.size());
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i] - b[i]);
    squares += difference * difference;
  }
  return 1 - 6 * squares / (n * (n * n - 1));
}

// Of random permutations the correlation has mean 0 and variance 1 / (size - 1).
TEST(EpochOrder, RankCorrelationBetweenEpochsSeedsAndIdentityIsThatOfRandomPermutations) {
  for (const std::int64_t size : {5, 10, 17, 33, 100, 128, 1000, 4097}) {
    std::vector<std::int64_t> identity(static_cast<std::size_t>(size));
    std::iota(identity.begin(), identity.end(), std::int64_t{0});
    constexpr int trials = 400;
    const double deviation = 1 / std::sqrt(static_cast<double>(size - 1));
    double with_identity = 0, between_epochs = 0, between_seeds = 0, squares = 0;
    for (std::uint64_t i = 0; i < trials; ++i) {
      const auto order = all_of(EpochOrder(size, Shuffle::full, i, 0));
      const double r = rank_correlation(order, identity);
      with_identity += r / trials;
      squares += r * r / trials;
      between_epochs +=
          rank_correlation(order, all_of(EpochOrder(size, Shuffle::full, i, 1))) / trials;
      between_seeds +=
          rank_correlation(order, all_of(EpochOrder(size, Shuffle::full, i + 1, 0))) / trials;
    }
    const double tolerance = 4.5 * deviation / std::sqrt(trials);
    EXPECT_NEAR(with_identity, 0, tolerance) << size;
    EXPECT_NEAR(between_epochs, 0, tolerance) << size;
    EXPECT_NEAR(between_seeds, 0, tolerance) << size;
    EXPECT_NEAR(std::sqrt(squares) / deviation, 1, 0.2) << size;
  }
}

TEST(EpochOrder, EveryPermutationOfAFewSamplesIsAboutEquallyLikely) {
  for (const std::int64_t size : {2, 3, 4, 5}) {
    std::map<std::vector<std::int64_t>, int> counts;
    std::size_t permutations = 1;
    for (std::int64_t k = 2; k <= size; ++k) permutations *= static_cast<std::size_t>(k);
    const std::size_t trials = 200 * permutations;
    for (std::uint64_t seed = 0; seed < trials; ++seed) {
      ++counts[all_of(EpochOrder(size, Shuffle::full, seed, 0))];
    }
    EXPECT_EQ(counts.size(), permutations) << size;
    for (const auto& [order, count] : counts) {
      EXPECT_GT(count, 100) << size;
      EXPECT_LT(count, 320) << size;
    }
  }
}

TEST(EpochOrder, NeighboursDoNotStayNeighbours) {
  constexpr std::int64_t size = 100'000;
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    const auto order = all_of(EpochOrder(size, Shuffle::full, 0, epoch));
    int near = 0;
    for (std::size_t p = 1; p < order.size(); ++p) {
      near += std::abs(order[p] - order[p - 1]) <= 10;
    }
    EXPECT_NEAR(near, 20, 18);  // expected: 20 of 100,000
  }
}

TEST(EpochOrder, EachPartOfAnEpochComesFromAllOfTheDataSet) {
  constexpr std::int64_t size = 60'000;
  const EpochOrder order(size, Shuffle::full, 3, 4);
  std::array<int, 10> bins{};
  for (std::int64_t p = 0; p < 6000; ++p) {
    ++bins[static_cast<std::size_t>(order.index_at(p) / 6000)];
  }
  double chi_square = 0;
  for (const int bin : bins) chi_square += (bin - 600.0) * (bin - 600.0) / 600.0;
  EXPECT_LT(chi_square, 27.9);  // 9 degrees of freedom, 0.1 %
}

}  // namespace
}  // namespace headrace
