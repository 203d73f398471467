#include "headrace/augment/keras.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/error_matcher.h"

namespace headrace {
namespace {

TEST(Keras, DefaultsChangeNothing) {
  EXPECT_EQ(KerasImageDataGenerator{}.recipe({32, 32, 3}).to_json(), Recipe({32, 32, 3}).to_json());
}

TEST(Keras, ParametersBecomeTheRecipesOwn) {
  KerasImageDataGenerator keras;
  keras.featurewise_center = true;
  keras.width_shift_range = 0.1;
  keras.height_shift_range = 0.2;
  keras.fill_mode = "constant";
  keras.cval = 128;
  keras.horizontal_flip = true;
  keras.vertical_flip = true;
  keras.rescale = 0.5;
  Recipe recipe({32, 32, 3});
  recipe.set("mean", "channel").set("width_shift", 0.1).set("height_shift", 0.2);
  recipe.set("fill_mode", "constant").set("fill_value", 128.0).set("rescale", 0.5);
  recipe.set("horizontal_flip", true).set("vertical_flip", true);
  EXPECT_EQ(keras.recipe({32, 32, 3}).to_json(), recipe.to_json());
}

TEST(Keras, AnUnknownFillModeIsRefused) {
  KerasImageDataGenerator keras;
  keras.fill_mode = "mirror";
  EXPECT_THAT(
      [&] {
        keras.recipe({32, 32, 3});
      },
      throws_error(ErrorCode::invalid_argument, ::testing::HasSubstr("mirror")));
}

}  // namespace
}  // namespace headrace
