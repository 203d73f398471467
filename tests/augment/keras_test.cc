#include "headrace/augment/keras.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "../support/error_matcher.h"
#include "headrace/pipeline/rng.h"
#include "pictures.h"

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

TEST(Keras, EveryParameterHasItsPlace) {
  KerasImageDataGenerator keras;
  keras.samplewise_std_normalization = true;
  keras.featurewise_std_normalization = true;
  keras.rotation_range = 20;
  keras.width_shift_range = 3;
  keras.height_shift_range = std::vector<double>{-2, 5};
  keras.brightness_range = {0.5, 1.5};
  keras.shear_range = 4;
  keras.zoom_range = 0.25;
  keras.channel_shift_range = 9;
  keras.data_format = "channels_first";
  keras.interpolation_order = 3;
  keras.fill_mode = "grid-wrap";
  const Recipe recipe = keras.recipe({32, 32, 3});
  EXPECT_EQ(recipe.get("rotation"), ParameterValue(20.0));
  EXPECT_EQ(recipe.get("width_shift_pixels"), ParameterValue(3.0));
  EXPECT_EQ(recipe.get("height_shift_choices"), ParameterValue(std::vector<double>{-2, 5}));
  EXPECT_EQ(recipe.get("brightness"), ParameterValue(std::vector<double>{0.5, 1.5}));
  EXPECT_EQ(recipe.get("zoom"), ParameterValue(std::vector<double>{0.75, 1.25}));
  EXPECT_EQ(recipe.get("shear"), ParameterValue(4.0));
  EXPECT_EQ(recipe.get("channel_shift"), ParameterValue(9.0));
  EXPECT_EQ(recipe.get("samplewise_center"), ParameterValue(true));
  EXPECT_EQ(recipe.get("samplewise_std"), ParameterValue(true));
  EXPECT_EQ(recipe.get("mean"), ParameterValue(std::string("channel")));
  EXPECT_EQ(recipe.get("std"), ParameterValue(std::string("channel")));
  EXPECT_EQ(recipe.get("layout"), ParameterValue(std::string("nchw")));
  EXPECT_EQ(recipe.get("resize"), ParameterValue(std::string("cubic")));
  EXPECT_EQ(recipe.get("fill_mode"), ParameterValue(std::string("wrap")));
  keras.interpolation_order = 2;
  EXPECT_THROW(keras.recipe({32, 32, 3}), Error);
}

TEST(Keras, CompatTakesFillModesAsSciPyHasThem) {
  KerasImageDataGenerator keras;
  keras.compat = "keras2";
  keras.fill_mode = "constant";
  EXPECT_EQ(keras.recipe({32, 32, 3}).get("fill_mode"),
            ParameterValue(std::string("scipy_constant")));
}

// The mean of a sample is 0 and its deviation 1; the data set's follow.
TEST(Keras, SamplesAreStandardised) {
  KerasImageDataGenerator keras;
  keras.samplewise_std_normalization = true;
  keras.rescale = 1 / 255.0;
  const testing::Noise noise({16, 16, 3}, 4);
  const auto augmenter = keras.recipe({16, 16, 3}).make_augmenter();
  std::vector<float> values(noise.levels.size());
  RenderScratch scratch;
  augmenter->render(augmenter->plan({16, 16}, Rng(0, 0)), noise.view(),
                    testing::whole(noise.view()), reinterpret_cast<std::byte*>(values.data()),
                    scratch);
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const auto count = static_cast<double>(values.size());
  EXPECT_NEAR(sum / count, 0, 1e-6);
  EXPECT_NEAR(squares / count, 1, 1e-4);
}

TEST(Keras, TheFunctionComesBeforeRescaling) {
  KerasImageDataGenerator keras;
  keras.rescale = 0.5;
  keras.preprocessing_function = [](std::span<float> values, ImageShape) {
    for (float& value : values) value += 10;
  };
  const testing::Noise noise({4, 4, 1}, 4);
  const Recipe recipe = keras.recipe({4, 4, 1});
  EXPECT_NE(recipe.fingerprint(), Recipe({4, 4, 1}).set("rescale", 0.5).fingerprint());
  const auto augmenter = recipe.make_augmenter();
  std::vector<float> values(noise.levels.size());
  RenderScratch scratch;
  augmenter->render(augmenter->plan({4, 4}, Rng(0, 0)), noise.view(), testing::whole(noise.view()),
                    reinterpret_cast<std::byte*>(values.data()), scratch);
  for (std::size_t e = 0; e < values.size(); ++e) {
    EXPECT_EQ(values[e], static_cast<float>(noise.levels[e] + 10) * 0.5f);
  }
}

TEST(Keras, AnUnknownFillModeIsRefused) {
  KerasImageDataGenerator keras;
  keras.fill_mode = "edge";
  EXPECT_THAT(
      [&] {
        keras.recipe({32, 32, 3});
      },
      throws_error(ErrorCode::invalid_argument, ::testing::HasSubstr("edge")));
}

}  // namespace
}  // namespace headrace
