#include "headrace/augment/named_recipes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "../support/error_matcher.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(NamedRecipes, AllAreFoundAndMakeAugmenters) {
  for (const std::string& name : recipe_names()) {
    EXPECT_NE(named_recipe(name).make_augmenter(), nullptr) << name;
    EXPECT_NE(named_recipe(name).for_inference().make_augmenter(), nullptr) << name;
    EXPECT_EQ(Recipe::from_json(named_recipe(name).to_json()).to_json(),
              named_recipe(name).to_json());
  }
  EXPECT_FALSE(find_named_recipe("imagenett"));
  EXPECT_THAT([] { named_recipe("imagenett"); },
              throws_error(ErrorCode::invalid_argument,
                           AllOf(HasSubstr("imagenett"), HasSubstr("imagenet"))));
}

TEST(NamedRecipes, ImagenetIsEvaluatedOnTheCentreOfImagesOf256) {
  const Recipe recipe = named_recipe("imagenet");
  EXPECT_EQ(recipe.output(), (ImageShape{224, 224, 3}));
  EXPECT_THAT(recipe.operations(),
              ElementsAre(Pair("random_resized_crop", ParameterValue(std::vector<double>{0.08, 1})),
                          Pair("horizontal_flip", ParameterValue(true))));
  EXPECT_THAT(recipe.for_inference().operations(),
              ElementsAre(Pair("short_side", ParameterValue(256.0))));
  EXPECT_EQ(recipe.for_inference().get("channel_std"), recipe.get("channel_std"));
}

TEST(NamedRecipes, CifarCutsOutOfAnImageWithABlackBorder) {
  const auto augmenter = named_recipe("cifar").make_augmenter();
  for (std::uint64_t sample = 0; sample < 50; ++sample) {
    const AffineMap map =
        augmenter->plan({32, 32}, Rng(3, 0).for_sample(sample)).source_from_output;
    EXPECT_EQ(std::abs(map.xx), 1);
    EXPECT_EQ(map.yy, 1);
    EXPECT_EQ(map.yt, std::round(map.yt));
    EXPECT_LE(std::abs(map.yt), 4);
  }
}

}  // namespace
}  // namespace headrace
