#include "headrace/train/layers/dense.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {

Dense::Dense(std::int64_t units, bool use_bias) : units_(units), use_bias_(use_bias) {
  if (units < 1) throw Error(ErrorCode::invalid_argument, "Dense: needs at least 1 unit");
}

std::shared_ptr<const Layer> Dense::from(const Attributes& attributes) {
  AttributeReader read("Dense", attributes);
  const std::int64_t units = read.integer("units");
  const bool use_bias = read.flag("use_bias", true);
  read.finish();
  return std::make_shared<Dense>(units, use_bias);
}

Shape Dense::output_shape(std::span<const Shape> inputs) const {
  const Shape& input = single_input(inputs);
  if (input.rank() != 1) {
    throw Error(ErrorCode::invalid_argument, "needs a flat input (elements), got " +
                                                 input.to_string() + ": put a Flatten before it");
  }
  return {units_};
}

std::vector<ParameterSpec> Dense::parameters(std::span<const Shape> inputs) const {
  const std::int64_t elements = single_input(inputs)[0];
  std::vector<ParameterSpec> specs{
      {"kernel", {elements, units_}, Initializer::glorot_uniform, elements, units_}};
  if (use_bias_) specs.push_back({"bias", {units_}, Initializer::zeros, 0, 0});
  return specs;
}

std::int64_t Dense::multiply_adds(std::span<const Shape> inputs) const {
  return single_input(inputs)[0] * units_;
}

Attributes Dense::attributes() const { return {{"units", units_}, {"use_bias", use_bias_}}; }

}  // namespace headrace
