#include "headrace/pipeline/sample_plan.h"

#include <gtest/gtest.h>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

TEST(AffineMap, AfterAppliesTheOtherFirst) {
  const AffineMap scale{.xx = 2, .yy = 3};
  const AffineMap turn_and_shift{.xx = 0, .xy = -1, .xt = 5, .yx = 1, .yy = 0, .yt = 7};
  const AffineMap both = turn_and_shift.after(scale);
  const double x = 1.5, y = -4;
  const double sx = 2 * x, sy = 3 * y;
  EXPECT_EQ(both.xx * x + both.xy * y + both.xt, -sy + 5);
  EXPECT_EQ(both.yx * x + both.yy * y + both.yt, sx + 7);
  EXPECT_EQ(AffineMap{}.after(scale), scale);
  EXPECT_EQ(scale.after(AffineMap{}), scale);
  EXPECT_TRUE(scale.is_axis_aligned());
  EXPECT_FALSE(both.is_axis_aligned());
}

TEST(SamplePlan, HoldsItsOperationsInOrderUpToItsLimit) {
  SamplePlan plan;
  for (std::uint32_t i = 0; i < SamplePlan::max_operations; ++i) plan.add({.kind = i});
  ASSERT_EQ(plan.operations().size(), SamplePlan::max_operations);
  EXPECT_EQ(plan.operations()[3].kind, 3u);
  EXPECT_THROW(plan.add({.kind = 99}), Error);
}

}  // namespace
}  // namespace headrace
