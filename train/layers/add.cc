#include "headrace/train/layers/add.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"

namespace headrace {

std::shared_ptr<const Layer> Add::from(const Attributes& attributes) {
  AttributeReader("Add", attributes).finish();
  return std::make_shared<Add>();
}

Shape Add::output_shape(std::span<const Shape> inputs) const {
  if (inputs.size() < 2) {
    throw Error(ErrorCode::invalid_argument,
                "adds at least two inputs, got " + std::to_string(inputs.size()));
  }
  for (const Shape& input : inputs) {
    if (input != inputs[0]) {
      throw Error(
          ErrorCode::invalid_argument,
          "its inputs differ in shape: " + inputs[0].to_string() + " and " + input.to_string());
    }
  }
  return inputs[0];
}

}  // namespace headrace
