#include "headrace/train/layers/conv2d.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

}  // namespace

Conv2D::Conv2D(std::int64_t filters, Extent2 kernel_size, Extent2 strides, Padding padding,
               bool use_bias, Extent2 dilation_rate, std::int64_t groups,
               Initializer kernel_initializer)
    : filters_(filters),
      groups_(groups),
      window_{kernel_size, strides, padding, dilation_rate},
      use_bias_(use_bias),
      kernel_initializer_(kernel_initializer) {
  if (filters < 1) fail("Conv2D: needs at least 1 filter");
  if (groups < 1 || filters % groups != 0) {
    fail("Conv2D: " + std::to_string(filters) + " filters do not divide into " +
         std::to_string(groups) + " groups");
  }
  window_.check();
}

std::shared_ptr<const Layer> Conv2D::from(const Attributes& attributes) {
  AttributeReader read("Conv2D", attributes);
  const std::int64_t filters = read.integer("filters");
  const Extent2 size = read.extent("kernel_size");
  const Extent2 strides = read.extent("strides", 1);
  const Padding padding = padding_of(read.text("padding", "valid"));
  const bool use_bias = read.flag("use_bias", true);
  const Extent2 dilation = read.extent("dilation_rate", 1);
  const std::int64_t groups = read.integer("groups", 1);
  const Initializer initializer =
      read.initializer("kernel_initializer", Initializer::glorot_uniform);
  read.finish();
  return std::make_shared<Conv2D>(filters, size, strides, padding, use_bias, dilation, groups,
                                  initializer);
}

Shape Conv2D::output_shape(std::span<const Shape> inputs) const {
  const Shape& input = single_input(inputs);
  const Extent2 output = window_.output_of(input);
  if (input[2] % groups_ != 0) {
    fail("the channels of " + input.to_string() + " do not divide into " + std::to_string(groups_) +
         " groups");
  }
  return {output.height, output.width, filters_};
}

std::vector<ParameterSpec> Conv2D::parameters(std::span<const Shape> inputs) const {
  const std::int64_t channels = single_input(inputs)[2] / groups_;
  std::vector<ParameterSpec> specs{{"kernel",
                                    {window_.size.height, window_.size.width, channels, filters_},
                                    kernel_initializer_}};
  if (use_bias_) specs.push_back({"bias", {filters_}});
  return specs;
}

std::int64_t Conv2D::multiply_adds(std::span<const Shape> inputs) const {
  return output_shape(inputs).elements() * window_.size.height * window_.size.width *
         (single_input(inputs)[2] / groups_);
}

Attributes Conv2D::attributes() const {
  return {{"filters", filters_},
          {"kernel_size", as_list(window_.size)},
          {"strides", as_list(window_.strides)},
          {"padding", std::string(to_string(window_.padding))},
          {"use_bias", use_bias_},
          {"dilation_rate", as_list(window_.dilation)},
          {"groups", groups_},
          {"kernel_initializer", kernel_initializer_.name()}};
}

}  // namespace headrace
