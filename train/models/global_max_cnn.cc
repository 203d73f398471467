#include "headrace/train/models/global_max_cnn.h"

#include "headrace/train/model_builder.h"

namespace headrace {

Graph global_max_cnn(const Shape& input, int classes) {
  ModelBuilder b;
  auto x = b.conv2d(b.input(input), 32, 3, {.activation = "relu"});
  return b.build(b.dense(b.global_max_pooling2d(x), classes));
}

}  // namespace headrace
