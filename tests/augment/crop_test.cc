#include "headrace/augment/crop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "headrace/augment/recipe.h"

namespace headrace {
namespace {

using Numbers = std::vector<double>;

SamplePlan plan_of(const Recipe& recipe, ImageSize source, std::uint64_t sample = 0) {
  return recipe.make_augmenter()->plan(source, Rng(1, 0).for_sample(sample));
}

// The part of the source that becomes the output.
struct Part {
  double top, left, height, width;
};

Part part_of(const SamplePlan& plan) {
  const AffineMap& map = plan.source_from_output;
  return {map.yt, map.xt, map.yy * plan.output.height, map.xx * plan.output.width};
}

TEST(RandomResizedCrop, DrawsWholePixelsOfTheAreasAndRatiosAskedForEverywhere) {
  Recipe recipe({20, 20, 3});
  recipe.set("random_resized_crop", Numbers{0.2, 0.5, 0.5, 2});
  const ImageSize source{300, 400};
  double least_area = 1;
  double most_area = 0;
  double least_ratio = 9;
  double most_ratio = 0;
  double mean_left = 0;
  constexpr int draws = 2000;
  for (std::uint64_t sample = 0; sample < draws; ++sample) {
    const Part part = part_of(plan_of(recipe, source, sample));
    for (const double number : {part.top, part.left, part.height, part.width}) {
      ASSERT_NEAR(number, std::round(number), 1e-9);
    }
    ASSERT_GE(part.top, 0);
    ASSERT_GE(part.left, 0);
    ASSERT_LE(part.top + part.height, source.height + 1e-9);
    ASSERT_LE(part.left + part.width, source.width + 1e-9);
    const double area = part.height * part.width / (300 * 400);
    least_area = std::min(least_area, area);
    most_area = std::max(most_area, area);
    least_ratio = std::min(least_ratio, part.width / part.height);
    most_ratio = std::max(most_ratio, part.width / part.height);
    mean_left += part.left / (source.width - part.width) / draws;
  }
  EXPECT_NEAR(least_area, 0.2, 0.005);
  EXPECT_NEAR(most_area, 0.5, 0.005);
  EXPECT_NEAR(least_ratio, 0.5, 0.01);
  EXPECT_NEAR(most_ratio, 2, 0.04);
  EXPECT_NEAR(mean_left, 0.5, 0.03);
}

TEST(RandomResizedCrop, TakesTheCentreOfWhatNoDrawFitsInto) {
  Recipe recipe({20, 20, 3});
  recipe.set("random_resized_crop", Numbers{0.9, 1});
  Part part = part_of(plan_of(recipe, {10, 1001}));  // wider than 4 to 3
  EXPECT_NEAR(part.width, 13, 1e-9);
  EXPECT_NEAR(part.left, 494, 1e-9);
  EXPECT_NEAR(part.height, 10, 1e-9);
  part = part_of(plan_of(recipe, {1000, 30}));  // higher than 4 to 3
  EXPECT_NEAR(part.height, 40, 1e-9);
  EXPECT_NEAR(part.top, 480, 1e-9);
  recipe.set("random_resized_crop", Numbers{2, 3});
  part = part_of(plan_of(recipe, {100, 110}));
  EXPECT_NEAR(part.height, 100, 1e-9);
  EXPECT_NEAR(part.width, 110, 1e-9);
  part = part_of(plan_of(recipe, {1, 1}));
  EXPECT_NEAR(part.width, 1, 1e-9);
}

TEST(RandomResizedCrop, ReadsTheCropAndTheFiltersReachBeyondIt) {
  Recipe recipe({32, 32, 3});
  recipe.set("random_resized_crop", Numbers{0.1, 0.4});
  for (std::uint64_t sample = 0; sample < 200; ++sample) {
    const SamplePlan plan = plan_of(recipe, {300, 400}, sample);
    const Part part = part_of(plan);
    const double reach = std::max(plan.source_from_output.xx, 1.0) / 2 + 1;
    ASSERT_GE(plan.region.left, std::max(part.left - reach, 0.0));
    ASSERT_LE(plan.region.left, part.left);
    ASSERT_LE(plan.region.left + plan.region.width,
              std::min(part.left + part.width + reach, 400.0));
    ASSERT_GE(plan.region.left + plan.region.width, part.left + part.width);
  }
}

TEST(ShortSide, IsTorchvisionsResizeAndCentreCrop) {
  Recipe recipe({224, 224, 3});
  recipe.set("short_side", 256.0);
  // 500x375 becomes 341x256; 117 columns too many, of which 58 on the left.
  Part part = part_of(plan_of(recipe, {375, 500}));
  EXPECT_NEAR(part.left, 58 * 500 / 341.0, 1e-9);
  EXPECT_NEAR(part.top, 16 * 375 / 256.0, 1e-9);
  EXPECT_NEAR(part.width, 224 * 500 / 341.0, 1e-9);
  EXPECT_NEAR(part.height, 224 * 375 / 256.0, 1e-9);
  recipe.set("short_side", 101.0);  // smaller than the output: 61 pixels are missing on top
  part = part_of(plan_of(recipe, {200, 200}));
  EXPECT_NEAR(part.top, -61 * 200 / 101.0, 1e-9);
}

TEST(CenterCrop, TakesTheLargestPartInTheOutputsProportionsTimesTheShare) {
  Recipe recipe({100, 50, 3});
  recipe.set("center_crop", 1.0);
  Part part = part_of(plan_of(recipe, {300, 400}));
  EXPECT_NEAR(part.height, 300, 1e-9);
  EXPECT_NEAR(part.width, 150, 1e-9);
  EXPECT_NEAR(part.left, 125, 1e-9);
  recipe.set("center_crop", 0.5);
  part = part_of(plan_of(recipe, {300, 400}));
  EXPECT_NEAR(part.height, 150, 1e-9);
  EXPECT_NEAR(part.top, 75, 1e-9);
}

}  // namespace
}  // namespace headrace
