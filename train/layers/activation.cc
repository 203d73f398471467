#include "headrace/train/layers/activation.h"

#include <array>
#include <cmath>

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {
namespace {

constexpr std::array<std::string_view, 8> names = {"linear", "relu", "leaky_relu", "sigmoid",
                                                   "tanh",   "silu", "gelu",       "softmax"};

}  // namespace

std::string_view to_string(ActivationKind kind) { return names[static_cast<std::size_t>(kind)]; }

ActivationKind activation_of(std::string_view name) {
  if (name == "swish") return ActivationKind::silu;
  std::string known;
  for (std::size_t kind = 0; kind < names.size(); ++kind) {
    if (names[kind] == name) return static_cast<ActivationKind>(kind);
    known += (kind > 0 ? ", " : " ") + std::string(names[kind]);
  }
  throw Error(ErrorCode::invalid_argument,
              "there is no activation \"" + std::string(name) + "\"; known:" + known);
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

LeakyReLU::LeakyReLU(double negative_slope)
    : Activation(ActivationKind::leaky_relu, negative_slope) {
  if (!(negative_slope >= 0) || std::isinf(negative_slope)) {
    throw Error(ErrorCode::invalid_argument, "LeakyReLU: negative_slope must be at least 0, not " +
                                                 std::to_string(negative_slope));
  }
}

std::shared_ptr<const Layer> LeakyReLU::from(const Attributes& attributes) {
  AttributeReader read("LeakyReLU", attributes);
  const double slope = read.number("negative_slope", 0.3);
  read.finish();
  return std::make_shared<LeakyReLU>(slope);
}

}  // namespace headrace
