#include "headrace/augment/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/error_matcher.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Recipe full_recipe() {
  Recipe recipe({32, 48, 3});
  recipe.set("vertical_flip", true)
      .set("mean", "pixel")
      .set("width_shift", 0.1)
      .set("rescale", 1 / 255.0)
      .set("fill_mode", "constant")
      .set("fill_value", 12.5)
      .set("resize", "linear");
  return recipe;
}

TEST(Recipe, OperationsTakeTheirPlaceWhateverTheOrderOfSetting) {
  EXPECT_THAT(full_recipe().operations(), ElementsAre(Pair("width_shift", ParameterValue(0.1)),
                                                      Pair("vertical_flip", ParameterValue(true))));
}

TEST(Recipe, SettingTheDefaultTakesAnOperationAway) {
  Recipe recipe = full_recipe();
  recipe.set("width_shift", 0.0).set("vertical_flip", false);
  EXPECT_TRUE(recipe.operations().empty());
  EXPECT_EQ(recipe.get("width_shift"), ParameterValue(0.0));
}

TEST(Recipe, RoundTripsThroughJson) {
  const Recipe recipe = full_recipe();
  const Recipe read = Recipe::from_json(recipe.to_json());
  EXPECT_EQ(read.to_json(), recipe.to_json());
  EXPECT_EQ(read.fingerprint(), recipe.fingerprint());
  for (const Parameter& parameter : recipe_parameters()) {
    EXPECT_EQ(read.get(parameter.name), recipe.get(parameter.name)) << parameter.name;
  }
}

TEST(Recipe, JsonIsWhatAPersonWouldWrite) {
  Recipe recipe({28, 28, 1}, ElementType::u8);
  recipe.set("width_shift", 0.1).set("horizontal_flip", true).set("fill_mode", "reflect");
  EXPECT_EQ(recipe.to_json(), R"({"output":{"height":28,"width":28,"channels":1,"type":"u8"},)"
                              R"("operations":[{"width_shift":0.1},{"horizontal_flip":true}],)"
                              R"("fill_mode":"reflect"})");
}

TEST(Recipe, JsonKeepsItsOwnOrderOfOperations) {
  const Recipe recipe = Recipe::from_json(
      R"({"output": {"height": 2, "width": 2, "channels": 1},
          "operations": [{"horizontal_flip": true}, {"width_shift": 3}]})");
  EXPECT_THAT(recipe.operations(), ElementsAre(Pair("horizontal_flip", ParameterValue(true)),
                                               Pair("width_shift", ParameterValue(3.0))));
}

TEST(Recipe, AFileOfOptionsChangesOnlyWhatItNames) {
  Recipe recipe = full_recipe();
  recipe.update_from_json(R"({"height_shift": 0.2, "resize": "nearest"})");
  EXPECT_EQ(recipe.get("height_shift"), ParameterValue(0.2));
  EXPECT_EQ(recipe.get("resize"), ParameterValue(std::string("nearest")));
  EXPECT_EQ(recipe.get("width_shift"), ParameterValue(0.1));
  EXPECT_EQ(recipe.output(), (ImageShape{32, 48, 3}));
}

TEST(Recipe, WrongJsonIsRefusedByNameAndChangesNothing) {
  Recipe recipe = full_recipe();
  const std::string before = recipe.to_json();
  const auto refused = [&](const char* text, const auto& message) {
    EXPECT_THAT([&] { recipe.update_from_json(text); },
                throws_error(ErrorCode::invalid_argument, message))
        << text;
    EXPECT_EQ(recipe.to_json(), before);
  };
  refused("{", HasSubstr("not JSON"));
  refused("[1]", HasSubstr("not a JSON object"));
  refused(R"({"height_shift": 0.5, "colour": 1})",
          AllOf(HasSubstr("\"colour\""), HasSubstr("fill_mode")));
  refused(R"({"fill_mode": 3})", AllOf(HasSubstr("fill_mode"), HasSubstr("nearest, constant")));
  refused(R"({"fill_mode": ["wrap"]})", HasSubstr("fill_mode"));
  refused(R"({"width_shift": null})", AllOf(HasSubstr("width_shift"), HasSubstr("0 to 1000")));
  refused(R"({"operations": {"width_shift": 1}})", HasSubstr("list"));
  refused(R"({"operations": [{"width_shift": 1, "vertical_flip": true}]})", HasSubstr("one key"));
  refused(R"({"operations": [{"rescale": 2}]})",
          AllOf(HasSubstr("\"rescale\""), HasSubstr("horizontal_flip")));
  refused(R"({"operations": [{"width_shift": 1}, {"width_shift": 2}]})", HasSubstr("twice"));
  refused(R"({"output": {"height": 0, "width": 1, "channels": 1}})", HasSubstr("output.height"));
  refused(R"({"output": {"height": 1, "width": 1, "channels": 1, "layout": "NCHW"}})",
          HasSubstr("\"layout\""));
  refused(R"({"output": {"height": 1, "width": 1, "channels": 1, "type": "f64"}})",
          AllOf(HasSubstr("f64"), HasSubstr("bf16")));
  EXPECT_THAT([] { Recipe::from_json("{}"); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("output")));
}

TEST(Recipe, EmptyHugeAndStrangeOutputsAreRefused) {
  const auto refused = [](ImageShape shape, ElementType type, const char* message) {
    EXPECT_THAT([&] { Recipe(shape, type); },
                throws_error(ErrorCode::invalid_argument, HasSubstr(message)));
  };
  refused({0, 32, 3}, ElementType::f32, "0x32x3");
  refused({32, 32, -1}, ElementType::f32, "32x32x-1");
  refused({1 << 16, 32, 3}, ElementType::f32, "65536x32x3");
  refused({32, 32, 3}, ElementType::i32, "i32");
}

TEST(Recipe, AMeanOfTheWrongShapeIsRefusedAndNamesBoth) {
  Recipe recipe = full_recipe();
  EXPECT_THAT([&] { recipe.set_mean(std::vector<float>(3)); },
              throws_error(ErrorCode::invalid_argument,
                           AllOf(HasSubstr("3 values"), HasSubstr("32x48x3"), HasSubstr("4608"))));
  ImageStatistics statistics;
  statistics.shape = {32, 32, 3};
  EXPECT_THAT(
      [&] { recipe.set_mean(statistics); },
      throws_error(ErrorCode::invalid_argument, AllOf(HasSubstr("32x32x3"), HasSubstr("32x48x3"))));
  recipe.set("mean", "none");
  EXPECT_THAT([&] { recipe.set_mean(std::vector<float>(3)); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("subtracts none")));
}

TEST(Recipe, StatisticsBecomeAMeanOfRescaledValues) {
  ImageStatistics statistics;
  statistics.shape = {1, 2, 1};
  statistics.mean = {51, 255};
  statistics.channel_mean = {153};
  Recipe recipe(statistics.shape);
  recipe.set("rescale", 1 / 255.0).set("mean", "pixel");
  EXPECT_TRUE(recipe.needs_mean());
  recipe.set_mean(statistics);
  EXPECT_FALSE(recipe.needs_mean());
  EXPECT_THAT(recipe.mean(), ElementsAre(0.2f, 1.0f));
  recipe.set("mean", "channel");
  EXPECT_TRUE(recipe.needs_mean());
  recipe.set_mean(statistics);
  EXPECT_THAT(recipe.mean(), ElementsAre(0.6f));
  recipe.set("rescale", 1.0);
  EXPECT_TRUE(recipe.needs_mean());
}

TEST(Recipe, ARecipeThatLacksItsMeanMakesNoAugmenter) {
  EXPECT_THAT([] { full_recipe().make_augmenter(); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("mean per pixel")));
}

TEST(Recipe, LevelsAreNotNormalised) {
  for (const auto& [name, value] :
       {Recipe::Setting{"rescale", 0.5}, Recipe::Setting{"mean", "channel"}}) {
    Recipe recipe({2, 2, 1}, ElementType::u8);
    recipe.set(name, value);
    if (recipe.needs_mean()) recipe.set_mean(std::vector<float>{1});
    EXPECT_THAT([&] { recipe.make_augmenter(); },
                throws_error(ErrorCode::invalid_argument, HasSubstr("u8")));
  }
}

TEST(Recipe, RangesAndListsOfNumbersAreReadAndWritten) {
  Recipe recipe = Recipe::from_json(
      R"({"output": {"height": 2, "width": 2, "channels": 3, "type": "bf16"},
          "operations": [{"random_resized_crop": [0.25, 1]}],
          "channel_std": [0.5, 1, 2]})");
  EXPECT_EQ(recipe.get("random_resized_crop"), ParameterValue(std::vector<double>{0.25, 1}));
  EXPECT_EQ(recipe.get("channel_std"), ParameterValue(std::vector<double>{0.5, 1, 2}));
  EXPECT_EQ(recipe.type(), ElementType::bf16);
  EXPECT_EQ(Recipe::from_json(recipe.to_json()).to_json(), recipe.to_json());
}

TEST(Recipe, WhatContradictsItselfMakesNoAugmenter) {
  const auto refused = [](const std::vector<Recipe::Setting>& settings, const char* message) {
    Recipe recipe({2, 2, 3});
    for (const auto& [name, value] : settings) recipe.set(name, value);
    if (recipe.needs_mean()) recipe.set_mean(std::vector<float>{1, 2, 3});
    EXPECT_THAT([&] { recipe.make_augmenter(); },
                throws_error(ErrorCode::invalid_argument, HasSubstr(message)));
  };
  const std::vector<double> two = {1, 2};
  refused({{"channel_mean", two}}, "2 numbers for 3 channels");
  refused({{"channel_std", two}}, "2 numbers for 3 channels");
  refused({{"channel_mean", std::vector<double>{1}}, {"mean", "channel"}}, "one mean");
  refused({{"center_crop", 1.0}, {"short_side", 3.0}}, "short_side, center_crop");
}

TEST(Recipe, InferenceKeepsACropThatIsNotDrawn) {
  Recipe recipe({2, 2, 3});
  recipe.set("center_crop", 0.875).set("horizontal_flip", true);
  EXPECT_THAT(recipe.for_inference().operations(),
              ElementsAre(Pair("center_crop", ParameterValue(0.875))));
  EXPECT_THAT(recipe.unaugmented().operations(),
              ElementsAre(Pair("center_crop", ParameterValue(0.875))));
}

TEST(Recipe, UnaugmentedOnlyResizesAndInferenceAlsoNormalises) {
  Recipe recipe = full_recipe();
  recipe.set_mean(std::vector<float>(recipe.output().elements(), 0.5f));
  EXPECT_EQ(recipe.unaugmented().to_json(),
            R"({"output":{"height":32,"width":48,"channels":3,"type":"u8"},"resize":"linear"})");
  const Recipe inference = recipe.for_inference();
  EXPECT_EQ(inference.to_json(),
            R"({"output":{"height":32,"width":48,"channels":3,"type":"f32"},"resize":"linear",)"
            R"("rescale":0.00392156862745098,"mean":"pixel"})");
  EXPECT_EQ(inference.mean(), recipe.mean());
}

TEST(Recipe, TheFingerprintTellsApartWhatRendersDifferently) {
  Recipe recipe = full_recipe();
  const std::uint64_t without_mean = recipe.fingerprint();
  recipe.set_mean(std::vector<float>(recipe.output().elements(), 0.5f));
  const std::uint64_t with_mean = recipe.fingerprint();
  EXPECT_NE(with_mean, without_mean);
  EXPECT_EQ(recipe.make_augmenter()->fingerprint(), with_mean);
  recipe.set("width_shift", 0.2);
  EXPECT_NE(recipe.fingerprint(), with_mean);
  recipe.set("width_shift", 0.1);
  EXPECT_EQ(recipe.fingerprint(), with_mean);
}

}  // namespace
}  // namespace headrace
