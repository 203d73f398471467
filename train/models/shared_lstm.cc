#include "headrace/train/models/shared_lstm.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/lstm.h"
#include "headrace/train/model_builder.h"

namespace headrace {

Graph shared_lstm(const Shape& input, int classes) {
  if (input.rank() != 2) {
    throw Error(
        ErrorCode::invalid_argument,
        "reads two sequences {time, features} each, such as (140, 256), not " + input.to_string());
  }
  if (classes != 1 && classes != 2) {
    throw Error(ErrorCode::invalid_argument,
                "answers yes or no, so 2 classes, not " + std::to_string(classes));
  }
  ModelBuilder b;
  const auto left = b.input(input, "left"), right = b.input(input, "right");
  auto lstm = b.shared(std::make_shared<LSTM>(64));
  const auto first = lstm(left), second = lstm(right);
  return b.build(b.dense(b.concatenate({first, second}), 1, {.activation = "sigmoid"}));
}

}  // namespace headrace
