#include "headrace/augment/shift.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace headrace {
namespace {

constexpr int draws = 20000;

// The shift, in source pixels, that one sample's plan has.
AffineMap planned(const Operation& operation, double range, std::uint64_t sample) {
  Geometry geometry({64, 64}, {32, 16});
  Rng rng = Rng(1, 0).for_sample(sample).for_operation(stream_id(operation.parameter.name));
  operation.plan(range, rng, geometry);
  return geometry.source_from_output;
}

TEST(Shift, WidthMovesAlongXUniformlyInAFractionOfTheWidth) {
  double low = 1e9, high = -1e9, sum = 0, squares = 0;
  for (std::uint64_t sample = 0; sample < draws; ++sample) {
    const AffineMap map = planned(width_shift(), 0.25, sample);
    EXPECT_EQ(map.yt, 0);
    EXPECT_EQ(map.yy, 2);
    const double output_pixels = map.xt / 4;  // the output is a quarter as wide as the source
    low = std::min(low, output_pixels);
    high = std::max(high, output_pixels);
    sum += output_pixels;
    squares += output_pixels * output_pixels;
  }
  // Uniform in [-4, 4): mean 0, variance 64 / 12.
  EXPECT_GE(low, -4);
  EXPECT_LT(low, -3.99);
  EXPECT_LT(high, 4);
  EXPECT_GT(high, 3.99);
  EXPECT_NEAR(sum / draws, 0, 0.08);
  EXPECT_NEAR(squares / draws, 64.0 / 12, 0.15);
}

TEST(Shift, HeightMovesAlongYAndValuesFromOneOnArePixels) {
  double high = 0;
  for (std::uint64_t sample = 0; sample < draws; ++sample) {
    const AffineMap map = planned(height_shift(), 3, sample);
    EXPECT_EQ(map.xt, 0);
    high = std::max(high, std::abs(map.yt / 2));
  }
  EXPECT_LE(high, 3);
  EXPECT_GT(high, 2.99);
}

}  // namespace
}  // namespace headrace
