#include "headrace/train/layers/dropout_mask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace headrace {
namespace {

std::vector<float> mask(DropoutStep at, std::int32_t node, std::int64_t row, double rate,
                        std::size_t elements) {
  std::vector<float> values(elements);
  dropout_mask(at, node, row, rate, values);
  return values;
}

TEST(DropoutMask, DropsTheShareAskedForAndScalesTheRest) {
  for (double rate : {0.1, 0.5, 0.8}) {
    const auto values = mask({1, 2}, 3, 4, rate, 100'000);
    const auto dropped = static_cast<double>(std::count(values.begin(), values.end(), 0.0f));
    // Five standard deviations.
    EXPECT_NEAR(dropped / 1e5, rate, 5 * std::sqrt(rate * (1 - rate) / 1e5));
    const float kept = *std::max_element(values.begin(), values.end());
    EXPECT_FLOAT_EQ(kept, static_cast<float>(1 / (1 - rate)));
    EXPECT_EQ(static_cast<double>(std::count(values.begin(), values.end(), kept)), 1e5 - dropped);
  }
}

TEST(DropoutMask, IsAFunctionOfItsArgumentsAndOfEachOfThem) {
  const auto base = mask({1, 2}, 3, 4, 0.5, 1000);
  EXPECT_EQ(mask({1, 2}, 3, 4, 0.5, 1000), base);
  EXPECT_NE(mask({9, 2}, 3, 4, 0.5, 1000), base);
  EXPECT_NE(mask({1, 9}, 3, 4, 0.5, 1000), base);
  EXPECT_NE(mask({1, 2}, 9, 4, 0.5, 1000), base);
  EXPECT_NE(mask({1, 2}, 3, 9, 0.5, 1000), base);
  EXPECT_NE(mask({1, 2}, 3, 4 + (std::int64_t{1} << 32), 0.5, 1000), base);
}

TEST(DropoutMask, OfFewerElementsIsTheBeginningOfThatOfMore) {
  const auto many = mask({1, 2}, 3, 4, 0.5, 100);
  const auto few = mask({1, 2}, 3, 4, 0.5, 37);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
}

TEST(DropoutMask, RateZeroKeepsEverything) {
  EXPECT_EQ(mask({1, 2}, 3, 4, 0.0, 10), std::vector<float>(10, 1.0f));
}

}  // namespace
}  // namespace headrace
