#include "headrace/augment/recipe_augmenter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/error_matcher.h"
#include "headrace/augment/axis.h"
#include "pictures.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Recipe shifting() {
  Recipe recipe({32, 32, 3});
  recipe.set("width_shift", 0.1).set("height_shift", 0.1);
  return recipe;
}

AffineMap map_of(const Recipe& recipe, std::uint64_t seed, std::uint64_t epoch,
                 std::uint64_t sample) {
  return recipe.make_augmenter()
      ->plan({40, 50}, Rng(seed, epoch).for_sample(sample))
      .source_from_output;
}

TEST(RecipeAugmenter, APlanDependsOnSeedEpochAndSampleAlone) {
  const Recipe recipe = shifting();
  const AffineMap map = map_of(recipe, 1, 2, 3);
  EXPECT_EQ(map_of(recipe, 1, 2, 3), map);
  EXPECT_NE(map_of(recipe, 4, 2, 3), map);
  EXPECT_NE(map_of(recipe, 1, 4, 3), map);
  EXPECT_NE(map_of(recipe, 1, 2, 4), map);
  // Draws made from the stream before, as by other fields of the sample, do not matter.
  Rng used = Rng(1, 2).for_sample(3);
  for (int i = 0; i < 7; ++i) used.next_u32();
  EXPECT_EQ(recipe.make_augmenter()->plan({40, 50}, used).source_from_output, map);
}

TEST(RecipeAugmenter, AnotherOperationLeavesTheDrawsOfTheOthers) {
  Recipe more = shifting();
  more.set("vertical_flip", true);
  for (std::uint64_t sample = 0; sample < 50; ++sample) {
    EXPECT_EQ(map_of(more, 1, 0, sample).xt, map_of(shifting(), 1, 0, sample).xt);
  }
  Recipe fewer = shifting();
  fewer.set("height_shift", 0.0);
  for (std::uint64_t sample = 0; sample < 50; ++sample) {
    EXPECT_EQ(map_of(fewer, 1, 0, sample).xt, map_of(shifting(), 1, 0, sample).xt);
  }
}

TEST(RecipeAugmenter, InferencePlansAreAllTheSame) {
  const Recipe recipe = shifting().for_inference();
  EXPECT_EQ(map_of(recipe, 1, 2, 3), map_of(recipe, 9, 8, 7));
}

TEST(RecipeAugmenter, ThePlanReadsNoMoreThanItNeeds) {
  Recipe recipe({32, 32, 3});
  recipe.set("width_shift", 0.25);
  const auto augmenter = recipe.make_augmenter();
  for (std::uint64_t sample = 0; sample < 50; ++sample) {
    const SamplePlan plan = augmenter->plan({64, 128}, Rng(0, 0).for_sample(sample));
    EXPECT_EQ(plan.region.top, 0);
    EXPECT_EQ(plan.region.height, 64);
    // What is moved out of sight on one side is not read; the filter reaches 4 pixels to the left
    // and right of an output's centre, which lies 2 from its border.
    const double moved = plan.source_from_output.xt;
    EXPECT_NEAR(plan.region.left, std::max(moved - 2, 0.0), 1);
    EXPECT_NEAR(plan.region.left + plan.region.width, std::min(128 + moved + 2, 128.0), 1);
  }
}

TEST(RecipeAugmenter, ImagesThatDoNotFitAreRefusedWithBothSides) {
  const Recipe recipe({32, 32, 3});
  const auto augmenter = recipe.make_augmenter();
  EXPECT_THAT(
      [&] {
        augmenter->plan({0, 5}, Rng(0, 0));
      },
      throws_error(ErrorCode::invalid_argument, AllOf(HasSubstr("0x5"), HasSubstr("32x32"))));
  EXPECT_THAT(
      [&] {
        augmenter->plan({5, 2'000'000}, Rng(0, 0));
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("1048576")));

  const testing::Noise grey({40, 40, 1}, 1);
  const testing::Noise colour({40, 40, 3}, 1);
  const SamplePlan plan = augmenter->plan({40, 40}, Rng(0, 0));
  std::vector<float> result(32 * 32 * 3);
  RenderScratch scratch;
  const auto rendering = [&](const SamplePlan& p, ImageView pixels, Region decoded) {
    return [=, &augmenter, &result, &scratch] {
      augmenter->render(p, pixels, decoded, reinterpret_cast<std::byte*>(result.data()), scratch);
    };
  };
  EXPECT_THAT(
      rendering(plan, grey.view(), {0, 0, 40, 40}),
      throws_error(ErrorCode::invalid_argument, AllOf(HasSubstr("1 channels"), HasSubstr("of 3"))));
  EXPECT_THAT(rendering(plan, colour.view(), {1, 0, 40, 40}),
              throws_error(ErrorCode::invalid_argument,
                           AllOf(HasSubstr("rows 1 to 41"), HasSubstr("rows 0 to 40"))));
  EXPECT_THAT(rendering(plan, colour.view(), {0, 0, 40, 41}),
              throws_error(ErrorCode::invalid_argument, HasSubstr("40x40")));
  SamplePlan unknown = plan;
  unknown.add({1234, {}});
  EXPECT_THAT(rendering(unknown, colour.view(), {0, 0, 40, 40}),
              throws_error(ErrorCode::invalid_argument, HasSubstr("another version")));
  SamplePlan far = plan;
  far.source_from_output.xt = 1e12;
  EXPECT_THAT(rendering(far, colour.view(), {0, 0, 40, 40}),
              throws_error(ErrorCode::invalid_argument, HasSubstr("too far")));
  ImageView halves = colour.view();
  halves.type = ElementType::f16;
  EXPECT_THAT(rendering(plan, halves, {0, 0, 40, 40}),
              throws_error(ErrorCode::invalid_argument, HasSubstr("f16")));
}

TEST(RecipeAugmenter, SaysWhatItMakes) {
  const auto augmenter = Recipe({4, 5, 1}, ElementType::u8).make_augmenter();
  EXPECT_EQ(augmenter->output(), (FieldSpec{"image", ElementType::u8, {4, 5, 1}}));
  EXPECT_EQ(augmenter->channels(), 1);
}

}  // namespace
}  // namespace headrace
