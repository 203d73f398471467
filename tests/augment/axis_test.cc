#include "headrace/augment/axis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "headrace/augment/axis_table.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/rng.h"

namespace headrace {
namespace {

constexpr std::array all_filters = {Filter::nearest, Filter::linear, Filter::triangle};
constexpr std::array all_fills = {FillMode::constant, FillMode::nearest, FillMode::reflect,
                                  FillMode::wrap};

Axis random_axis(std::uint64_t seed) {
  Rng rng(seed, 0);
  const int source = static_cast<int>(rng.below(rng.chance(0.1) ? 5000 : 60)) + 1;
  const int output = static_cast<int>(rng.below(60)) + 1;
  // Also scales that no resize has: zooms and crops.
  double scale = rng.chance(0.5) ? static_cast<double>(source) / output : rng.uniform(0.01, 9);
  double offset = rng.uniform(-2.0 * source, 2.0 * source);
  if (rng.chance(0.5)) {
    scale = -scale;
    offset += source;
  }
  return make_axis(scale, offset, source, output, all_filters[rng.below(3)],
                   all_fills[rng.below(4)]);
}

TEST(Axis, WeightsSumToExactlyOneAndReadOnlyWhatIsAnnounced) {
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const Axis axis = random_axis(seed);
    const IndexRange read = indices_read(axis);
    const IndexRange range = indices_of_taps(axis);
    ASSERT_LE(0, read.first);
    ASSERT_LT(read.first, read.last);
    ASSERT_LE(read.last, axis.source);
    std::vector<std::int16_t> weights(static_cast<std::size_t>(axis.max_taps()));
    for (int i = 0; i < axis.output; ++i) {
      const Taps taps = make_taps(axis, i, weights.data());
      ASSERT_LE(taps.count, axis.max_taps());
      int sum = taps.constant_weight;
      for (int t = 0; t < taps.count; ++t) {
        const int weight = weights[static_cast<std::size_t>(t)];
        sum += weight;
        ASSERT_GE(weight, 0);
        ASSERT_GE(taps.first + t, range.first);
        ASSERT_LT(taps.first + t, range.last);
        const int index = fill_index(taps.first + t, axis.source, axis.fill);
        if (weight != 0) {
          ASSERT_GE(index, read.first) << "seed " << seed << ", output " << i;
          ASSERT_LT(index, read.last) << "seed " << seed << ", output " << i;
        }
      }
      ASSERT_EQ(sum, fixed::one) << "seed " << seed << ", output " << i;
    }
  }
}

TEST(Axis, TablesHoldTheTapsOfEachOutput) {
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const Axis axis = random_axis(seed);
    for (const int group : {1, 2}) {
      std::vector<std::int32_t> memory(table_bytes(axis, group) / sizeof(std::int32_t) + 1);
      const AxisTable table = make_table(axis, group, reinterpret_cast<std::byte*>(memory.data()));
      ASSERT_EQ(table.stride % group, 0);
      std::vector<std::int16_t> weights(static_cast<std::size_t>(table.stride));
      for (int i = 0; i < axis.output; ++i) {
        const Taps taps = make_taps(axis, i, weights.data());
        std::fill(weights.begin() + taps.count, weights.end(), std::int16_t{0});
        ASSERT_EQ(table.first[i], taps.first) << "seed " << seed << ", output " << i;
        ASSERT_EQ(table.count[i], taps.count) << "seed " << seed << ", output " << i;
        ASSERT_EQ(table.constant_weight[i], taps.constant_weight);
        ASSERT_TRUE(std::equal(weights.begin(), weights.end(), table.weights_of(i)))
            << "seed " << seed << ", output " << i;
      }
    }
  }
}

TEST(Axis, EqualStepsKeepEqualFractions) {
  for (const double offset : {0.3, -7.123456789, 1.0 / 3, 100.00003}) {
    for (const double scale : {1.0, -1.0}) {
      const Axis axis = make_axis(scale, offset, 1000, 1000, Filter::triangle, FillMode::nearest);
      EXPECT_TRUE(axis.is_shift());
      for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(axis.coordinate(i),
                  axis.coordinate(0) + i * static_cast<int>(scale) * fixed::pixel);
      }
    }
  }
}

TEST(Axis, CoordinatesOfAResizeHitPixelCentresExactly) {
  // 5 source pixels for 3 outputs: the middle one lies on the middle one.
  for (int n = 1; n < 2000; n += 2) {
    for (const int m : {3, 7, 99, 1001}) {
      const Axis axis =
          make_axis(static_cast<double>(n) / m, 0, n, m, Filter::nearest, FillMode::nearest);
      ASSERT_EQ(axis.coordinate(m / 2), (n / 2) * fixed::pixel + fixed::pixel / 2);
    }
  }
}

TEST(Axis, FillIndexFollowsThePictures) {
  const auto row = [](FillMode fill) {
    std::vector<int> indices;
    for (int i = -5; i < 9; ++i) indices.push_back(fill_index(i, 4, fill));
    return indices;
  };
  EXPECT_EQ(row(FillMode::constant),
            (std::vector{-1, -1, -1, -1, -1, 0, 1, 2, 3, -1, -1, -1, -1, -1}));
  EXPECT_EQ(row(FillMode::nearest), (std::vector{0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3}));
  EXPECT_EQ(row(FillMode::reflect), (std::vector{3, 3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0, 0}));
  EXPECT_EQ(row(FillMode::wrap), (std::vector{3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0}));
}

TEST(Axis, AMapThatLeadsTooFarAwayIsRefused) {
  for (const double bad : {1e10, -1e10, std::numeric_limits<double>::infinity(),
                           std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(make_axis(1, bad, 10, 10, Filter::linear, FillMode::wrap), Error);
    EXPECT_THROW(make_axis(bad, 0, 10, 10, Filter::linear, FillMode::wrap), Error);
  }
}

}  // namespace
}  // namespace headrace
