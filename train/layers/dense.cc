#include "headrace/train/layers/dense.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {

Dense::Dense(std::int64_t units, bool use_bias, Initializer kernel_initializer)
    : units_(units), use_bias_(use_bias), kernel_initializer_(kernel_initializer) {
  if (units < 1) throw Error(ErrorCode::invalid_argument, "Dense: needs at least 1 unit");
}

std::shared_ptr<const Layer> Dense::from(const Attributes& attributes) {
  AttributeReader read("Dense", attributes);
  const std::int64_t units = read.integer("units");
  const bool use_bias = read.flag("use_bias", true);
  const Initializer initializer =
      read.initializer("kernel_initializer", Initializer::glorot_uniform);
  read.finish();
  return std::make_shared<Dense>(units, use_bias, initializer);
}

Shape Dense::output_shape(std::span<const Shape> inputs) const {
  std::vector<std::int64_t> extents = single_input(inputs).extents();
  if (extents.empty()) {
    throw Error(ErrorCode::invalid_argument, "needs an input (..., elements), got a scalar");
  }
  extents.back() = units_;
  return Shape(std::move(extents));
}

std::vector<ParameterSpec> Dense::parameters(std::span<const Shape> inputs) const {
  std::vector<ParameterSpec> specs{
      {"kernel", {single_input(inputs).extents().back(), units_}, kernel_initializer_}};
  if (use_bias_) specs.push_back({"bias", {units_}});
  return specs;
}

std::int64_t Dense::multiply_adds(std::span<const Shape> inputs) const {
  return single_input(inputs).elements() * units_;
}

Attributes Dense::attributes() const {
  return {{"units", units_},
          {"use_bias", use_bias_},
          {"kernel_initializer", kernel_initializer_.name()}};
}

}  // namespace headrace
