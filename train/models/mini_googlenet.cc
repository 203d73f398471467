#include "headrace/train/models/mini_googlenet.h"

#include "headrace/train/model_builder.h"

namespace headrace {
namespace {

using Value = ModelBuilder::Value;

Value convolution(ModelBuilder& b, Value x, std::int64_t filters, std::int64_t size,
                  std::int64_t strides = 1, Padding padding = Padding::same) {
  x = b.conv2d(x, filters, size, {.strides = strides, .padding = padding});
  return b.activation(b.batch_normalization(x), "relu");
}

Value inception(ModelBuilder& b, Value x, std::int64_t narrow, std::int64_t wide) {
  const Value left = convolution(b, x, narrow, 1);
  return b.concatenate({left, convolution(b, x, wide, 3)});
}

Value downsample(ModelBuilder& b, Value x, std::int64_t filters) {
  const Value left = convolution(b, x, filters, 3, 2, Padding::valid);
  return b.concatenate({left, b.max_pooling2d(x, 3, {.strides = 2})});
}

}  // namespace

Graph mini_googlenet(const Shape& input, int classes) {
  ModelBuilder b;
  auto x = convolution(b, b.input(input), 96, 3);
  x = inception(b, x, 32, 32);
  x = inception(b, x, 32, 48);
  x = downsample(b, x, 80);
  x = inception(b, x, 112, 48);
  x = inception(b, x, 96, 64);
  x = inception(b, x, 80, 80);
  x = inception(b, x, 48, 96);
  x = downsample(b, x, 96);
  x = inception(b, x, 176, 160);
  x = inception(b, x, 176, 160);
  x = b.dropout(b.average_pooling2d(x, 7), 0.5);
  return b.build(b.dense(b.flatten(x), classes, {.activation = "softmax"}));
}

}  // namespace headrace
