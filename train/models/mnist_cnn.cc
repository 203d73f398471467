#include "headrace/train/models/mnist_cnn.h"

#include "headrace/train/model_builder.h"

namespace headrace {

Graph mnist_cnn(const Shape& input, int classes) {
  ModelBuilder b;
  auto x = b.input(input);
  x = b.conv2d(x, 32, 3, {.activation = "relu"});
  x = b.max_pooling2d(x);
  x = b.flatten(x);
  x = b.dense(x, classes, {.activation = "softmax"});
  return b.build(x);
}

}  // namespace headrace
