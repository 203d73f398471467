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

TEST(SamplePlan, SpareResolutionIsThatOfTheAxisThatShrinksLess) {
  SamplePlan plan;
  plan.source_from_output = {.xx = -4, .xt = 100, .yy = 2.5};
  EXPECT_EQ(spare_resolution(plan), 2.5);
  plan.filter = Filter::box;
  EXPECT_EQ(spare_resolution(plan), 2.5);
  plan.filter = Filter::linear;
  EXPECT_EQ(spare_resolution(plan), 1) << "reads pixels that lie apart";
  plan.filter = Filter::triangle;
  plan.source_from_output.yy = 0.5;
  EXPECT_EQ(spare_resolution(plan), 1);
  plan.source_from_output.yy = 2.5;
  plan.source_from_output.xy = 0.1;
  EXPECT_EQ(spare_resolution(plan), 1) << "is turned";
}

TEST(SamplePlan, AtALowerResolutionItLeadsToTheSamePlace) {
  SamplePlan plan;
  plan.source = {375, 500};
  plan.output = {20, 30};
  plan.source_from_output = {.xx = -8, .xt = 470, .yy = 9, .yt = 33};
  plan.region = {29, 222, 188, 256};
  for (const int eighths : {1, 2, 4, 8}) {
    const SamplePlan scaled = at_eighths(plan, eighths);
    EXPECT_EQ(scaled.source, (ImageSize{(375 * eighths + 7) / 8, (500 * eighths + 7) / 8}));
    EXPECT_EQ(scaled.output, plan.output);
    const AffineMap& map = scaled.source_from_output;
    EXPECT_DOUBLE_EQ((map.xx * 7.5 + map.xt) * 8 / eighths, -8 * 7.5 + 470);
    EXPECT_DOUBLE_EQ((map.yy * 7.5 + map.yt) * 8 / eighths, 9 * 7.5 + 33);
    // All that it showed, and two pixels more at most.
    const Region& region = scaled.region;
    EXPECT_LE(region.top * 8, 29 * eighths);
    EXPECT_GE((region.top + region.height) * 8, (29 + 188) * eighths);
    EXPECT_GE(region.top * 8, (29 - 16) * eighths - 16);
    EXPECT_LE(region.left * 8, 222 * eighths);
    EXPECT_GE((region.left + region.width) * 8, (222 + 256) * eighths);
    const Region all{0, 0, scaled.source.height, scaled.source.width};
    EXPECT_TRUE(all.contains(region));
  }
}

}  // namespace
}  // namespace headrace
