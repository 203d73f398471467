#include "test_models.h"

#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/dense.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/models/model_registry.h"

namespace headrace {
namespace {

Graph dense_only() {
  ModelBuilder b;
  auto x = b.dense(b.flatten(b.input({3, 5, 1})), 7, {.activation = "relu"});
  return b.build(b.dense(x, 4, {.activation = "softmax"}));
}

Graph wide_dense() {
  ModelBuilder b;
  auto x = b.dense(b.input({37}), 70, {.activation = "relu", .use_bias = false});
  return b.build(b.dense(x, 33, {.activation = "softmax", .use_bias = false}));
}

Graph strided_convolutions() {
  ModelBuilder b;
  auto x = b.input({11, 9, 3});
  x = b.conv2d(x, 5, 3, {.strides = 2, .padding = Padding::same, .activation = "relu"});
  x = b.conv2d(x, 6, {2, 3}, {.activation = "relu", .use_bias = false});
  x = b.conv2d(x, 4, {3, 1}, {.strides = {1, 2}, .padding = Padding::same});
  return b.build(b.dense(b.flatten(x), 3, {.activation = "softmax"}));
}

Graph even_kernels() {
  ModelBuilder b;
  auto x = b.input({8, 7, 2});
  x = b.conv2d(x, 16, 4, {.padding = Padding::same, .activation = "relu"});
  x = b.conv2d(x, 16, 2, {.strides = 3, .padding = Padding::same, .activation = "relu"});
  return b.build(b.dense(b.flatten(x), 5, {.activation = "softmax"}));
}

Graph pooling() {
  ModelBuilder b;
  auto x = b.input({9, 10, 2});
  x = b.max_pooling2d(x, 3, {.strides = 2, .padding = Padding::same});
  x = b.conv2d(x, 8, 3, {.padding = Padding::same, .activation = "relu"});
  x = b.max_pooling2d(x, {2, 3}, {.strides = 1});
  x = b.activation(x, "relu");
  x = b.conv2d(x, 3, 1);
  x = b.max_pooling2d(x, 2, {.padding = Padding::same});
  return b.build(b.dense(b.flatten(x), 4, {.activation = "softmax"}));
}

Graph with_dropout() {
  ModelBuilder b;
  auto x = b.dropout(b.input({4, 4, 3}), 0.25);
  x = b.conv2d(x, 8, 3, {.activation = "relu"});
  x = b.dropout(b.flatten(x), 0.5);
  return b.build(b.dense(x, 3, {.activation = "softmax"}));
}

Graph shared_layers() {
  ModelBuilder b;
  auto conv = b.shared(std::make_shared<Conv2D>(3, 3, 1, Padding::same), "conv_twice");
  auto dense = b.shared(std::make_shared<Dense>(12), "dense_twice");
  auto x = b.activation(conv(b.input({4, 5, 3})), "relu");
  x = b.max_pooling2d(conv(x), {2, 3});
  x = b.dense(b.flatten(x), 12);
  x = dense(b.activation(dense(x), "relu"));
  return b.build(b.activation(b.dense(x, 3), "softmax"));
}

// As mnist_cnn, with sizes that divide by nothing.
Graph odd_first_convolution(std::int64_t filters, Shape input, Extent2 kernel) {
  ModelBuilder b;
  auto x = b.conv2d(b.input(std::move(input)), filters, kernel, {.activation = "relu"});
  x = b.flatten(b.max_pooling2d(x));
  return b.build(b.dense(x, 10, {.activation = "softmax"}));
}

Graph inner_softmax() {
  ModelBuilder b;
  auto x = b.dense(b.input({6}), 5, {.activation = "softmax"});
  return b.build(b.dense(x, 3, {.activation = "softmax"}));
}

}  // namespace

std::vector<TestModel> test_models() {
  return {{"dense_only", dense_only()},
          {"wide_dense", wide_dense()},
          {"strided_convolutions", strided_convolutions()},
          {"even_kernels", even_kernels()},
          {"pooling", pooling()},
          {"with_dropout", with_dropout()},
          {"shared_layers", shared_layers()},
          {"inner_softmax", inner_softmax()},
          {"mnist_cnn_small", make_model("mnist_cnn", {12, 10, 1}, 10)},
          {"first_conv_odd", odd_first_convolution(16, {9, 12, 1}, 3)},
          {"first_conv_rgb", odd_first_convolution(48, {8, 8, 3}, 3)},
          {"first_conv_5x5", odd_first_convolution(32, {10, 9, 1}, 5)},
          {"first_conv_20", odd_first_convolution(20, {9, 9, 2}, {3, 2})}};
}

}  // namespace headrace
