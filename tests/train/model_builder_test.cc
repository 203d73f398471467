#include "headrace/train/model_builder.h"

#include <gtest/gtest.h>

#include "../support/error_matcher.h"
#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/dense.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ModelBuilder, ReadsLikeKerasFunctionalApi) {
  ModelBuilder b;
  auto x = b.input({32, 32, 3});
  x = b.conv2d(x, 16, {5, 3}, {.strides = 2, .padding = Padding::same, .activation = "relu"});
  x = b.max_pooling2d(x, 3, {.strides = 2});
  x = b.dropout(b.flatten(x), 0.25);
  x = b.dense(x, 10, {.activation = "softmax", .use_bias = false, .name = "head"});
  const Graph& graph = b.build(x);
  EXPECT_EQ(graph.shape(1), Shape({16, 16, 16}));
  EXPECT_EQ(graph.shape(3), Shape({7, 7, 16}));
  EXPECT_EQ(graph.layers()[1].name, "conv2d_relu");
  EXPECT_EQ(graph.layers().back().name, "head_softmax");
  EXPECT_EQ(graph.parameter_count(), 5 * 3 * 3 * 16 + 16 + 7 * 7 * 16 * 10);
}

TEST(ModelBuilder, ASharedLayerIsOneLayerUsedTwice) {
  ModelBuilder b;
  auto x = b.input({8});
  auto twice = b.shared(std::make_shared<Dense>(8), "twice");
  x = twice(b.activation(twice(x), "relu"));
  const Graph& graph = b.build(x);
  EXPECT_EQ(graph.layers().size(), 2u);
  EXPECT_EQ(graph.nodes().size(), 4u);
  EXPECT_EQ(graph.parameter_count(), 72);
}

TEST(ModelBuilder, HasEveryLayer) {
  ModelBuilder b;
  auto x = b.input({16, 16, 4});
  auto y = b.conv2d(x, 8, 3, {.padding = Padding::same, .dilation_rate = 2, .groups = 2});
  y = b.activation(b.batch_normalization(y, {.momentum = 0.9, .synchronized = true}), "silu");
  auto z = b.depthwise_conv2d(b.zero_padding2d(x), 3, {.depth_multiplier = 2});
  x = b.add(y, b.leaky_relu(z));
  x = b.concatenate(
      {b.average_pooling2d(x), b.max_pooling2d(x, 3, {.strides = 2, .padding = Padding::same})});
  EXPECT_EQ(b.build(x).shape(x.node), Shape({8, 8, 16}));
  const auto means = b.global_average_pooling2d(x), tops = b.global_max_pooling2d(x);
  x = b.lstm(b.reshape(b.concatenate({means, tops}), {-1, 8}), 5, {.return_sequences = true});
  x = b.dense(x, 3, {.activation = "gelu", .kernel_initializer = Initializer::he_normal});
  EXPECT_EQ(b.build(x).shape(x.node), Shape({4, 3}));
  EXPECT_EQ(b.build().layers().back().name, "dense_gelu");
}

TEST(ModelBuilder, TheOutputMayBeAnyValue) {
  ModelBuilder b;
  const auto logits = b.dense(b.input({8}), 3);
  b.activation(logits, "softmax");
  EXPECT_EQ(b.build().output(), 2);
  EXPECT_EQ(b.build(logits).output(), 1);
}

TEST(ModelBuilder, ErrorsNameBothLayers) {
  ModelBuilder b;
  const auto x = b.conv2d(b.input({9, 9, 1}), 4, 3, {.name = "stem"});
  EXPECT_THAT([&] { b.lstm(x, 10); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("lstm after stem")));
  const auto pooled = b.max_pooling2d(x, 2, {.name = "pool"});
  EXPECT_THAT(
      [&] {
        b.concatenate({x, pooled});
      },
      throws_error(ErrorCode::invalid_argument, AllOf(HasSubstr("concatenate after stem, pool"),
                                                      HasSubstr("(7, 7, 4) and (3, 3, 4)"))));
  EXPECT_THAT([&] { b.add(x, pooled); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("add after stem, pool")));
  EXPECT_THAT([&] { b.activation(x, "cube"); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("\"cube\"")));
}

}  // namespace
}  // namespace headrace
