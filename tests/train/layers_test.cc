#include <gtest/gtest.h>

#include <array>

#include "../support/error_matcher.h"
#include "headrace/train/layer.h"
#include "headrace/train/layers/activation.h"
#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/dense.h"
#include "headrace/train/layers/dropout.h"
#include "headrace/train/layers/flatten.h"
#include "headrace/train/layers/max_pooling2d.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;

Shape output(const Layer& layer, const Shape& input) {
  return layer.output_shape(std::array{input});
}

TEST(Conv2D, OutputIsSmallerByTheKernelWithoutPadding) {
  EXPECT_EQ(output(Conv2D(32, 3), {28, 28, 1}), Shape({26, 26, 32}));
  EXPECT_EQ(output(Conv2D(8, {5, 3}, {2, 3}), {28, 27, 3}), Shape({12, 9, 8}));
}

TEST(Conv2D, SamePaddingGivesTheInputDividedByTheStrideRoundedUp) {
  for (std::int64_t size = 1; size < 12; ++size) {
    for (std::int64_t stride = 1; stride < 4; ++stride) {
      const Conv2D layer(4, 3, stride, Padding::same);
      const std::int64_t rounded_up = (size + stride - 1) / stride;
      EXPECT_EQ(output(layer, {size, size, 2}), Shape({rounded_up, rounded_up, 4}));
    }
  }
}

TEST(Window, SamePaddingPutsTheLargerPartAtTheEndAsTensorFlowDoes) {
  const Window even{3, 2, Padding::same};
  EXPECT_EQ(even.along_height(8).before, 0);
  EXPECT_EQ(even.along_height(8).after, 1);
  EXPECT_EQ(even.along_height(7).before, 1);
  EXPECT_EQ(even.along_height(7).after, 1);
  const Window wide{2, 1, Padding::same};
  EXPECT_EQ(wide.along_width(5).before, 0);
  EXPECT_EQ(wide.along_width(5).after, 1);
}

TEST(Conv2D, ParametersHaveKerasNamesAndLayout) {
  const Shape input{28, 28, 3};
  const auto parameters = Conv2D(32, {3, 5}).parameters(std::array{input});
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0].name, "kernel");
  EXPECT_EQ(parameters[0].shape, Shape({3, 5, 3, 32}));
  EXPECT_EQ(parameters[0].fan_in, 3 * 5 * 3);
  EXPECT_EQ(parameters[0].fan_out, 3 * 5 * 32);
  EXPECT_EQ(parameters[1].name, "bias");
  EXPECT_EQ(parameters[1].shape, Shape({32}));
  EXPECT_EQ(Conv2D(32, 3, 1, Padding::valid, false).parameters(std::array{input}).size(), 1u);
}

TEST(Conv2D, CountsMultiplyAdds) {
  EXPECT_EQ(Conv2D(32, 3).multiply_adds(std::array{Shape{28, 28, 1}}), 26 * 26 * 32 * 9);
}

TEST(Conv2D, RefusesWhatIsNoImageOrTooSmall) {
  EXPECT_THAT([] { output(Conv2D(8, 3), {10}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("got (10)")));
  EXPECT_THAT(
      [] {
        output(Conv2D(8, 3), {2, 9, 1});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("at least 3 by 3")));
  EXPECT_THAT([] { Conv2D(0, 3); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("at least 1 filter")));
  EXPECT_THAT([] { Conv2D(1, 3, 0); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("strides")));
}

TEST(MaxPooling2D, StridesAreThePoolSizeByDefault) {
  EXPECT_EQ(output(MaxPooling2D(2), {26, 27, 32}), Shape({13, 13, 32}));
  EXPECT_EQ(output(MaxPooling2D(3, Extent2(2), Padding::same), {26, 27, 32}), Shape({13, 14, 32}));
}

TEST(Dense, NeedsAFlatInput) {
  EXPECT_EQ(output(Dense(10), {5408}), Shape({10}));
  EXPECT_THAT(
      [] {
        output(Dense(10), {2, 2, 3});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("put a Flatten before it")));
}

TEST(Flatten, KeepsTheNumberOfElements) {
  EXPECT_EQ(output(Flatten(), {13, 13, 32}), Shape({5408}));
}

TEST(Dropout, RefusesARateOfOneOrNotANumber) {
  EXPECT_EQ(output(Dropout(0.5), {3, 4}), Shape({3, 4}));
  for (double rate : {-0.1, 1.0, std::nan("")}) {
    EXPECT_THAT([&] { Dropout{rate}; },
                throws_error(ErrorCode::invalid_argument, HasSubstr("rate must be")));
  }
}

TEST(LayerRegistry, EveryLayerComesBackFromItsAttributes) {
  const std::vector<std::shared_ptr<const Layer>> layers = {
      std::make_shared<Conv2D>(32, Extent2(3, 5), Extent2(2, 1), Padding::same, false),
      std::make_shared<MaxPooling2D>(Extent2(3, 2), Extent2(2, 1), Padding::same),
      std::make_shared<Dense>(10, false),
      std::make_shared<Activation>(ActivationKind::softmax),
      std::make_shared<Flatten>(),
      std::make_shared<Dropout>(0.25),
  };
  for (const auto& layer : layers) {
    const auto copy = make_layer(layer->kind(), layer->attributes());
    EXPECT_EQ(copy->kind(), layer->kind());
    EXPECT_EQ(copy->attributes(), layer->attributes());
  }
}

TEST(LayerRegistry, BadAttributesAreNamed) {
  EXPECT_THAT([] { make_layer("LSTM", {}); },
              throws_error(ErrorCode::unsupported, HasSubstr("\"LSTM\"; known: Activation")));
  EXPECT_THAT([] { make_layer("Dense", {}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("attribute units is missing")));
  EXPECT_THAT(
      [] {
        make_layer("Dense", {{"units", std::string("ten")}});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("units must be an integer")));
  EXPECT_THAT(
      [] {
        make_layer("Flatten", {{"axis", std::int64_t{1}}});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("unknown attribute axis")));
  EXPECT_THAT(
      [] {
        make_layer("Activation", {{"activation", std::string("tanh")}});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("known: relu, softmax")));
}

}  // namespace
}  // namespace headrace
