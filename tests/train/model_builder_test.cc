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
  EXPECT_THAT([&] { b.dense(x, 10); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("dense after stem")));
  EXPECT_THAT([&] { b.activation(x, "gelu"); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("\"gelu\"")));
}

}  // namespace
}  // namespace headrace
