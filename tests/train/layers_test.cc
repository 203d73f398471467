#include <gtest/gtest.h>

#include <array>

#include "../support/error_matcher.h"
#include "headrace/train/layer.h"
#include "headrace/train/layers/activation.h"
#include "headrace/train/layers/add.h"
#include "headrace/train/layers/average_pooling2d.h"
#include "headrace/train/layers/batch_normalization.h"
#include "headrace/train/layers/concatenate.h"
#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/dense.h"
#include "headrace/train/layers/depthwise_conv2d.h"
#include "headrace/train/layers/dropout.h"
#include "headrace/train/layers/flatten.h"
#include "headrace/train/layers/global_pooling2d.h"
#include "headrace/train/layers/lstm.h"
#include "headrace/train/layers/max_pooling2d.h"
#include "headrace/train/layers/reshape.h"
#include "headrace/train/layers/zero_padding2d.h"

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
  EXPECT_EQ(parameters[0].initializer, Initializer::glorot_uniform);
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
  EXPECT_THAT([] { Conv2D(1, 3, std::int64_t{1} << 60); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("go up to 1048576")));
  EXPECT_THAT([] { LSTM(std::int64_t{1} << 61); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("between 1 and 1048576 units")));
  EXPECT_THAT([] { Conv2D(1, 3, 0); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("strides")));
}

TEST(Conv2D, DilationSpreadsTheTapsAndGroupsShareTheChannelsOut) {
  const Conv2D layer(8, 3, 1, Padding::valid, true, Extent2(2, 3), 4, Initializer::he_normal);
  const Shape input{20, 20, 12};
  EXPECT_EQ(output(layer, input), Shape({16, 14, 8}));
  EXPECT_EQ(layer.parameters(std::array{input})[0].shape, Shape({3, 3, 3, 8}));
  EXPECT_EQ(layer.multiply_adds(std::array{input}), 16 * 14 * 8 * 9 * 3);
  EXPECT_EQ(output(Conv2D(4, 3, 1, Padding::same, true, 4), {5, 6, 1}), Shape({5, 6, 4}));
  EXPECT_THAT(
      [&] {
        output(layer, {20, 20, 10});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("into 4 groups")));
  EXPECT_THAT([] { Conv2D(6, 3, 1, Padding::valid, true, 1, 4); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("6 filters")));
  EXPECT_THAT([] { Conv2D(6, 3, 2, Padding::valid, true, 2); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("strides and dilations")));
}

TEST(DepthwiseConv2D, HasFiltersForEachChannel) {
  const DepthwiseConv2D layer(3, 2, Padding::same, 2);
  const Shape input{9, 8, 5};
  EXPECT_EQ(output(layer, input), Shape({5, 4, 10}));
  const auto parameters = layer.parameters(std::array{input});
  EXPECT_EQ(parameters[0].name, "kernel");
  EXPECT_EQ(parameters[0].shape, Shape({3, 3, 5, 2}));
  EXPECT_EQ(parameters[1].shape, Shape({10}));
  EXPECT_EQ(layer.multiply_adds(std::array{input}), 5 * 4 * 10 * 9);
}

TEST(MaxPooling2D, StridesAreThePoolSizeByDefault) {
  EXPECT_EQ(output(MaxPooling2D(2), {26, 27, 32}), Shape({13, 13, 32}));
  EXPECT_EQ(output(MaxPooling2D(3, Extent2(2), Padding::same), {26, 27, 32}), Shape({13, 14, 32}));
}

TEST(AveragePooling2D, HasTheShapesOfMaxPooling2D) {
  EXPECT_EQ(output(AveragePooling2D(7), {7, 7, 336}), Shape({1, 1, 336}));
  EXPECT_EQ(output(AveragePooling2D(3, Extent2(2), Padding::same), {26, 27, 32}),
            Shape({13, 14, 32}));
}

TEST(GlobalPooling2D, LeavesTheChannels) {
  EXPECT_EQ(output(GlobalMaxPooling2D(), {7, 9, 5}), Shape({5}));
  EXPECT_EQ(output(GlobalAveragePooling2D(), {7, 9, 5}), Shape({5}));
  EXPECT_THAT(
      [] {
        output(GlobalMaxPooling2D(), {7, 9});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("got (7, 9)")));
}

TEST(Dense, WorksOnTheLastAxis) {
  EXPECT_EQ(output(Dense(10), {5408}), Shape({10}));
  const Shape input{2, 3, 4};
  EXPECT_EQ(output(Dense(10), input), Shape({2, 3, 10}));
  EXPECT_EQ(Dense(10).parameters(std::array{input})[0].shape, Shape({4, 10}));
  EXPECT_EQ(Dense(10).multiply_adds(std::array{input}), 2 * 3 * 4 * 10);
  EXPECT_THAT([] { output(Dense(10), Shape{}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("got a scalar")));
}

TEST(BatchNormalization, HasStatisticsThatAreNotTrained) {
  const Shape input{4, 4, 6};
  const BatchNormalization layer;
  EXPECT_EQ(output(layer, input), input);
  const auto parameters = layer.parameters(std::array{input});
  ASSERT_EQ(parameters.size(), 4u);
  const std::array<std::string, 4> names = {"gamma", "beta", "moving_mean", "moving_variance"};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(parameters[i].name, names[i]);
    EXPECT_EQ(parameters[i].shape, Shape({6}));
    EXPECT_EQ(parameters[i].trainable, i < 2);
    EXPECT_EQ(parameters[i].initializer, i % 3 == 0 ? Initializer::ones : Initializer::zeros);
  }
  EXPECT_EQ(layer.moving_variance(), 3u);
}

TEST(BatchNormalization, MayLackCenterAndScale) {
  const BatchNormalization layer(0.9, 1e-5, true, false);
  const auto parameters = layer.parameters(std::array{Shape{6}});
  ASSERT_EQ(parameters.size(), 3u);
  EXPECT_EQ(parameters[layer.beta()].name, "beta");
  EXPECT_EQ(parameters[layer.moving_mean()].name, "moving_mean");
  EXPECT_EQ(parameters[layer.moving_variance()].name, "moving_variance");
  EXPECT_EQ(BatchNormalization(0.9, 1e-5, false, false).moving_mean(), 0u);
  EXPECT_THAT([] { BatchNormalization(1.5); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("momentum")));
  EXPECT_THAT(
      [] {
        make_layer("BatchNormalization", {{"axis", std::int64_t{1}}});
      },
      throws_error(ErrorCode::unsupported, HasSubstr("last axis")));
}

TEST(LSTM, ParametersHaveKerasNamesAndLayout) {
  const Shape input{140, 256};
  const LSTM layer(64);
  EXPECT_EQ(output(layer, input), Shape({64}));
  EXPECT_EQ(output(LSTM(64, true), input), Shape({140, 64}));
  const auto parameters = layer.parameters(std::array{input});
  ASSERT_EQ(parameters.size(), 3u);
  EXPECT_EQ(parameters[0].name, "kernel");
  EXPECT_EQ(parameters[0].shape, Shape({256, 256}));
  EXPECT_EQ(parameters[1].name, "recurrent_kernel");
  EXPECT_EQ(parameters[1].shape, Shape({64, 256}));
  EXPECT_EQ(parameters[1].initializer, Initializer::orthogonal);
  EXPECT_EQ(parameters[2].initializer, Initializer::unit_forget_bias);
  std::int64_t count = 0;
  for (const auto& parameter : parameters) count += parameter.shape.elements();
  EXPECT_EQ(count, 82'176);
  EXPECT_EQ(layer.multiply_adds(std::array{input}), 140 * (256 + 64) * 256);
  EXPECT_THAT([&] { output(layer, {140}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("(time, features)")));
}

TEST(Reshape, FillsInOneExtent) {
  EXPECT_EQ(output(Reshape({-1, 4}), {2, 3, 4}), Shape({6, 4}));
  EXPECT_EQ(output(Reshape({24}), {2, 3, 4}), Shape({24}));
  EXPECT_THAT(
      [] {
        output(Reshape({-1, 7}), {2, 3, 4});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("24 elements of (2, 3, 4)")));
  EXPECT_THAT(
      [] {
        output(Reshape({-1, 48}), {2, 3, 4});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("(-1, 48)")));
  EXPECT_THAT(
      [] {
        Reshape({-1, -1});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("at most may be -1")));
  EXPECT_THAT([] { Reshape({0}); }, throws_error(ErrorCode::invalid_argument, HasSubstr("(0)")));
}

TEST(ZeroPadding2D, AddsABorder) {
  EXPECT_EQ(output(ZeroPadding2D(), {5, 6, 2}), Shape({7, 8, 2}));
  EXPECT_EQ(output(ZeroPadding2D(Extent2(1, 2)), {5, 6, 2}), Shape({7, 10, 2}));
  EXPECT_EQ(output(ZeroPadding2D(ZeroPadding2D::Border{0, 1, 2, 3}), {5, 6, 2}), Shape({6, 11, 2}));
  const auto layer = make_layer("ZeroPadding2D", {{"padding", std::vector<std::int64_t>{1, 2}}});
  EXPECT_EQ(output(*layer, {5, 6, 2}), Shape({7, 10, 2}));
  EXPECT_THAT([] { ZeroPadding2D(-1); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("not -1")));
}

TEST(Concatenate, JoinsAlongAnAxisCountedWithTheBatch) {
  const auto join = [](std::int64_t axis, std::vector<Shape> inputs) {
    return Concatenate(axis).output_shape(inputs);
  };
  EXPECT_EQ(join(-1, {{4, 5, 6}, {4, 5, 1}, {4, 5, 2}}), Shape({4, 5, 9}));
  EXPECT_EQ(join(3, {{4, 5, 6}, {4, 5, 1}}), Shape({4, 5, 7}));
  EXPECT_EQ(join(1, {{4, 5, 6}, {3, 5, 6}}), Shape({7, 5, 6}));
  EXPECT_THAT(
      [&] {
        join(-1, {{4, 5, 6}, {3, 5, 6}});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("(4, 5, 6) and (3, 5, 6)")));
  EXPECT_THAT(
      [&] {
        join(0, {{4}, {4}});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("0 is the batch")));
  EXPECT_THAT([&] { join(-1, {{4}}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("at least two")));
}

TEST(Add, NeedsEqualShapes) {
  EXPECT_EQ(Add().output_shape(std::array{Shape{4, 5}, Shape{4, 5}}), Shape({4, 5}));
  EXPECT_THAT(
      [] {
        Add().output_shape(std::array{Shape{4, 5}, Shape{4, 1}});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("(4, 5) and (4, 1)")));
}

TEST(Activation, SlopesAreKerasOnes) {
  EXPECT_EQ(activation_of("swish"), ActivationKind::silu);
  EXPECT_EQ(Activation(ActivationKind::leaky_relu).negative_slope(), 0.2);
  EXPECT_EQ(LeakyReLU().negative_slope(), 0.3);
  EXPECT_THAT([] { LeakyReLU(-1); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("negative_slope")));
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
      std::make_shared<Conv2D>(32, 3, 1, Padding::valid, true, 2, 4,
                               Initializer::he_normal_fan_out),
      std::make_shared<DepthwiseConv2D>(3, 2, Padding::same, 2, false),
      std::make_shared<MaxPooling2D>(Extent2(3, 2), Extent2(2, 1), Padding::same),
      std::make_shared<AveragePooling2D>(Extent2(3, 2), Extent2(2, 1), Padding::same),
      std::make_shared<GlobalMaxPooling2D>(),
      std::make_shared<GlobalAveragePooling2D>(),
      std::make_shared<Dense>(10, false, Initializer::he_normal),
      std::make_shared<BatchNormalization>(0.9, 1e-5, false, true, true, Initializer::zeros),
      std::make_shared<LSTM>(7, true, true, false),
      std::make_shared<Activation>(ActivationKind::softmax),
      std::make_shared<LeakyReLU>(0.1),
      std::make_shared<Flatten>(),
      std::make_shared<Reshape>(std::vector<std::int64_t>{-1, 3}),
      std::make_shared<ZeroPadding2D>(Extent2(1, 2)),
      std::make_shared<Concatenate>(1),
      std::make_shared<Add>(),
      std::make_shared<Dropout>(0.25),
  };
  for (const auto& layer : layers) {
    const auto copy = make_layer(layer->kind(), layer->attributes());
    EXPECT_EQ(copy->kind(), layer->kind());
    EXPECT_EQ(copy->attributes(), layer->attributes());
  }
}

TEST(LayerRegistry, BadAttributesAreNamed) {
  EXPECT_THAT([] { make_layer("GRU", {}); },
              throws_error(ErrorCode::unsupported, HasSubstr("\"GRU\"; known: Activation")));
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
        make_layer("Activation", {{"activation", std::string("cube")}});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("known: linear, relu")));
}

}  // namespace
}  // namespace headrace
