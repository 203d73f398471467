#include "layer_models.h"

#include <functional>

#include "headrace/train/layers/batch_normalization.h"
#include "headrace/train/layers/lstm.h"
#include "headrace/train/layers/zero_padding2d.h"
#include "headrace/train/model_builder.h"

namespace headrace {
namespace {

using Value = ModelBuilder::Value;
using Middle = std::function<Value(ModelBuilder&, Value)>;

// A convolution, what is given, and a dense layer of the values it leaves.
Graph image_model(const Middle& middle) {
  ModelBuilder b;
  auto x = b.conv2d(b.input({8, 7, 2}), 6, 3, {.padding = Padding::same, .name = "stem"});
  x = b.flatten(middle(b, x));
  return b.build(b.dense(x, 4, {.activation = "softmax", .name = "head"}));
}

TestModel image_model(const std::string& name, const Middle& middle) {
  return {name, image_model(middle)};
}

std::vector<TestModel> convolutions() {
  return {
      image_model("dilated",
                  [](ModelBuilder& b, Value x) {
                    x = b.conv2d(x, 5, {3, 2}, {.dilation_rate = {2, 3}});
                    return b.conv2d(x, 3, 3, {.padding = Padding::same, .dilation_rate = 2});
                  }),
      image_model("grouped",
                  [](ModelBuilder& b, Value x) {
                    x = b.conv2d(x, 9, 3, {.strides = 2, .padding = Padding::same, .groups = 3});
                    return b.conv2d(x, 3, {2, 1}, {.groups = 3, .use_bias = false});
                  }),
      image_model(
          "depthwise",
          [](ModelBuilder& b, Value x) {
            x = b.depthwise_conv2d(x, 3, {.strides = 2, .padding = Padding::same});
            return b.depthwise_conv2d(x, {2, 3}, {.depth_multiplier = 3, .use_bias = false});
          }),
      image_model("depthwise_dilated",
                  [](ModelBuilder& b, Value x) {
                    return b.depthwise_conv2d(x, 3, {.padding = Padding::same, .dilation_rate = 2});
                  }),
  };
}

std::vector<TestModel> poolings() {
  return {
      image_model("average_pooling",
                  [](ModelBuilder& b, Value x) {
                    x = b.average_pooling2d(x, 3, {.strides = 2, .padding = Padding::same});
                    return b.average_pooling2d(x, {2, 3}, {.strides = 1});
                  }),
      image_model("global_average_pooling",
                  [](ModelBuilder& b, Value x) { return b.global_average_pooling2d(x); }),
      image_model("global_max_pooling",
                  [](ModelBuilder& b, Value x) { return b.global_max_pooling2d(x); }),
  };
}

std::vector<TestModel> activations() {
  std::vector<TestModel> models;
  for (const char* name :
       {"linear", "relu", "leaky_relu", "sigmoid", "tanh", "silu", "gelu", "softmax"}) {
    models.push_back(image_model(std::string("activation_") + name,
                                 [=](ModelBuilder& b, Value x) { return b.activation(x, name); }));
  }
  models.push_back(image_model("leaky_relu_layer",
                               [](ModelBuilder& b, Value x) { return b.leaky_relu(x, 0.15); }));
  return models;
}

TestModel normalized(const std::string& name, const BatchNormalizationOptions& options) {
  return image_model(name, [=](ModelBuilder& b, Value x) {
    return b.activation(b.batch_normalization(x, options), "relu");
  });
}

Graph normalized_vector() {
  ModelBuilder b;
  auto x = b.batch_normalization(b.dense(b.input({9}), 7));
  return b.build(b.dense(x, 3, {.activation = "softmax"}));
}

Graph shared_normalization() {
  ModelBuilder b;
  auto normalize = b.shared(std::make_shared<BatchNormalization>(0.8));
  auto x = normalize(b.dense(b.input({9}), 5));
  x = normalize(b.dense(b.activation(x, "tanh"), 5));
  return b.build(b.dense(x, 3, {.activation = "softmax"}));
}

// What a plan for inference makes one of, and what it must not: a value read twice, other shapes.
Graph normalized_convolutions() {
  ModelBuilder b;
  auto x = b.depthwise_conv2d(b.input({7, 6, 4}), 3, {.use_bias = false});
  x = b.activation(b.batch_normalization(x, {.scale = false}), "relu");
  x = b.batch_normalization(b.conv2d(x, 6, 3, {.padding = Padding::same, .groups = 2}));
  auto y = b.conv2d(x, 5, 2, {.padding = Padding::same});
  y = b.add(b.activation(b.batch_normalization(y), "tanh"), y);
  y = b.batch_normalization(b.flatten(b.conv2d(y, 3, 1)));
  x = b.max_pooling2d(b.activation(b.batch_normalization(b.conv2d(x, 8, 3)), "relu"));
  return b.build(b.dense(b.concatenate({b.flatten(x), y}), 3, {.activation = "softmax"}));
}

std::vector<TestModel> normalizations() {
  return {
      {"batch_normalization_of_convolutions", normalized_convolutions()},
      normalized("batch_normalization", {.momentum = 0.9}),
      normalized("batch_normalization_without_scale", {.epsilon = 0.1, .scale = false}),
      normalized("batch_normalization_without_center", {.center = false}),
      normalized("batch_normalization_synchronized", {.synchronized = true}),
      {"batch_normalization_of_a_vector", normalized_vector()},
      {"batch_normalization_shared", shared_normalization()},
  };
}

// As MiniGoogLeNet's modules and ResNet's blocks: values with two readers, joined again.
Graph inception() {
  ModelBuilder b;
  const auto conv = [&](Value x, std::int64_t filters, Extent2 size) {
    x = b.conv2d(x, filters, size, {.padding = Padding::same});
    return b.activation(b.batch_normalization(x), "relu");
  };
  auto x = conv(b.input({9, 9, 3}), 4, 3);
  x = b.concatenate({conv(x, 3, 1), conv(x, 5, 3)});
  x = b.concatenate({b.conv2d(x, 4, 3, {.strides = 2}), b.max_pooling2d(x, 3, {.strides = 2})});
  x = b.dropout(b.flatten(b.average_pooling2d(x, 4)), 0.5);
  return b.build(b.dense(x, 3, {.activation = "softmax"}));
}

Graph residual() {
  ModelBuilder b;
  auto x = b.conv2d(b.input({8, 8, 3}), 4, 3, {.padding = Padding::same});
  auto y = b.activation(b.batch_normalization(x), "relu");
  y = b.conv2d(y, 4, 3, {.padding = Padding::same, .use_bias = false});
  x = b.activation(b.add(b.batch_normalization(y), x), "relu");
  auto shortcut = b.conv2d(x, 6, 1, {.strides = 2, .use_bias = false});
  y = b.add({b.conv2d(x, 6, 3, {.strides = 2, .padding = Padding::same}), shortcut, shortcut});
  return b.build(b.dense(b.global_average_pooling2d(y), 3, {.activation = "softmax"}));
}

Graph shared_lstm() {
  ModelBuilder b;
  const auto left = b.input({5, 4}, "left"), right = b.input({5, 4}, "right");
  auto lstm = b.shared(std::make_shared<LSTM>(6));
  const auto joined = b.concatenate({lstm(left), lstm(right)});
  return b.build(b.dense(joined, 3, {.activation = "softmax"}));
}

Graph stacked_lstm() {
  ModelBuilder b;
  auto x = b.dense(b.input({5, 3}), 4, {.activation = "tanh"});
  x = b.lstm(x, 6, {.return_sequences = true});
  x = b.lstm(x, 5, {.use_bias = false});
  return b.build(b.dense(x, 3, {.activation = "softmax"}));
}

// More than a dense layer takes at once. Between it and the convolution there is but a relu.
Graph dense_of_many_inputs() {
  ModelBuilder b;
  auto x = b.input({24, 23, 2});
  x = b.flatten(b.conv2d(x, 9, 3, {.padding = Padding::same, .activation = "relu"}));
  x = b.dense(x, 7, {.activation = "relu"});
  return b.build(b.dense(x, 4, {.activation = "softmax"}));
}

std::vector<TestModel> joins() {
  return {
      {"dense_of_many_inputs", dense_of_many_inputs()},
      {"inception", inception()},
      {"residual", residual()},
      {"shared_lstm", shared_lstm()},
      {"stacked_lstm", stacked_lstm()},
      image_model("dense_on_pixels",
                  [](ModelBuilder& b, Value x) { return b.dense(x, 3, {.activation = "gelu"}); }),
      image_model("reshape",
                  [](ModelBuilder& b, Value x) {
                    return b.conv2d(b.reshape(x, {4, -1, 6}), 2, 3);
                  }),
      image_model(
          "zero_padding",
          [](ModelBuilder& b, Value x) {
            const ZeroPadding2D::Border border{.top = 0, .bottom = 1, .left = 2, .right = 3};
            x = b.add(std::make_shared<ZeroPadding2D>(border), {b.zero_padding2d(x, {2, 1})});
            return b.conv2d(x, 2, 3);
          }),
      image_model(
          "concatenate_rows_and_columns",
          [](ModelBuilder& b, Value x) {
            const auto y = b.conv2d(x, 6, 1), z = b.activation(x, "tanh");
            return b.concatenate({b.concatenate({x, y, x}, 1), b.concatenate({z, y, y}, 1)}, -2);
          }),
      image_model("values_with_many_readers",
                  [](ModelBuilder& b, Value x) {
                    const auto y = b.activation(x, "relu");
                    const auto pooled = b.add(b.max_pooling2d(y), b.average_pooling2d(y));
                    return b.add({b.conv2d(pooled, 6, 1), pooled, b.max_pooling2d(x)});
                  }),
  };
}

}  // namespace

std::vector<TestModel> layer_models() {
  std::vector<TestModel> models;
  for (auto* group : {convolutions, poolings, activations, normalizations, joins}) {
    for (TestModel& model : group()) models.push_back(std::move(model));
  }
  return models;
}

}  // namespace headrace
