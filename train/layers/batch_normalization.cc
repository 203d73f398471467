#include "headrace/train/layers/batch_normalization.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

}  // namespace

BatchNormalization::BatchNormalization(double momentum, double epsilon, bool center, bool scale,
                                       bool synchronized, Initializer gamma_initializer)
    : momentum_(momentum),
      epsilon_(epsilon),
      center_(center),
      scale_(scale),
      synchronized_(synchronized),
      gamma_initializer_(gamma_initializer) {
  if (!(momentum >= 0 && momentum <= 1)) {
    fail("BatchNormalization: momentum must be between 0 and 1, not " + std::to_string(momentum));
  }
  if (!(epsilon > 0)) fail("BatchNormalization: epsilon must be above 0");
}

std::shared_ptr<const Layer> BatchNormalization::from(const Attributes& attributes) {
  AttributeReader read("BatchNormalization", attributes);
  if (read.integer("axis", -1) != -1) {
    throw Error(ErrorCode::unsupported,
                "BatchNormalization: normalises over the last axis, -1, alone");
  }
  const double momentum = read.number("momentum", 0.99);
  const double epsilon = read.number("epsilon", 1e-3);
  const bool center = read.flag("center", true);
  const bool scale = read.flag("scale", true);
  const bool synchronized = read.flag("synchronized", false);
  const Initializer gamma = read.initializer("gamma_initializer", Initializer::ones);
  read.finish();
  return std::make_shared<BatchNormalization>(momentum, epsilon, center, scale, synchronized,
                                              gamma);
}

Shape BatchNormalization::output_shape(std::span<const Shape> inputs) const {
  const Shape& input = single_input(inputs);
  if (input.rank() == 0) fail("needs an input (..., channels), got a scalar");
  return input;
}

std::vector<ParameterSpec> BatchNormalization::parameters(std::span<const Shape> inputs) const {
  const Shape channels{single_input(inputs).extents().back()};
  std::vector<ParameterSpec> specs;
  if (scale_) specs.push_back({"gamma", channels, gamma_initializer_});
  if (center_) specs.push_back({"beta", channels, Initializer::zeros});
  specs.push_back({"moving_mean", channels, Initializer::zeros, false});
  specs.push_back({"moving_variance", channels, Initializer::ones, false});
  return specs;
}

Attributes BatchNormalization::attributes() const {
  return {{"axis", std::int64_t{-1}},
          {"momentum", momentum_},
          {"epsilon", epsilon_},
          {"center", center_},
          {"scale", scale_},
          {"synchronized", synchronized_},
          {"gamma_initializer", gamma_initializer_.name()}};
}

}  // namespace headrace
