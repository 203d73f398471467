#include "headrace/pipeline/loader_stats.h"

#include <gtest/gtest.h>

namespace headrace {
namespace {

TEST(DurationHistogram, PercentilesAreRightToFivePercent) {
  DurationHistogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.add(i * 1e-3);
  EXPECT_EQ(histogram.count(), 1000);
  for (const double fraction : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    EXPECT_GE(histogram.percentile(fraction), fraction * (1 - 1e-9)) << fraction;
    EXPECT_LE(histogram.percentile(fraction), fraction * 1.05 * (1 + 1e-9)) << fraction;
  }
}

TEST(DurationHistogram, NothingIsZeroAndExtremesStayInRange) {
  DurationHistogram histogram;
  EXPECT_EQ(histogram.percentile(0.5), 0);
  histogram.add(0);
  histogram.add(-1);
  histogram.add(1e-9);
  EXPECT_EQ(histogram.percentile(1), 1e-6);
  histogram.add(1e30);
  EXPECT_GT(histogram.percentile(1), 1e6);
  EXPECT_EQ(histogram.percentile(0.5), 1e-6);
}

}  // namespace
}  // namespace headrace
