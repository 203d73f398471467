#include "headrace/train/models/generator_cnn.h"

#include "headrace/train/model_builder.h"

namespace headrace {

Graph generator_cnn(const Shape& input, int classes) {
  ModelBuilder b;
  auto x = b.conv2d(b.input(input), 32, 3, {.activation = "relu"});
  return b.build(b.dense(b.flatten(x), classes, {.activation = "softmax"}));
}

}  // namespace headrace
