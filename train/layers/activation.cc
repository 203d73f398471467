#include "headrace/train/layers/activation.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {

std::string_view to_string(ActivationKind kind) {
  return kind == ActivationKind::relu ? "relu" : "softmax";
}

ActivationKind activation_of(std::string_view name) {
  if (name == "relu") return ActivationKind::relu;
  if (name == "softmax") return ActivationKind::softmax;
  throw Error(ErrorCode::invalid_argument,
              "there is no activation \"" + std::string(name) + "\"; known: relu, softmax");
}

std::shared_ptr<const Layer> Activation::from(const Attributes& attributes) {
  AttributeReader read("Activation", attributes);
  const ActivationKind function = activation_of(read.text("activation", ""));
  read.finish();
  return std::make_shared<Activation>(function);
}

Shape Activation::output_shape(std::span<const Shape> inputs) const {
  const Shape& input = single_input(inputs);
  if (function_ == ActivationKind::softmax && input.rank() == 0) {
    throw Error(ErrorCode::invalid_argument, "softmax needs values to choose from, got a scalar");
  }
  return input;
}

Attributes Activation::attributes() const {
  return {{"activation", std::string(to_string(function_))}};
}

}  // namespace headrace
