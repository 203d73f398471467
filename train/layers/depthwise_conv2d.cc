#include "headrace/train/layers/depthwise_conv2d.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {
namespace {

constexpr std::int64_t most_multiples = 1 << 20;

}  // namespace

DepthwiseConv2D::DepthwiseConv2D(Extent2 kernel_size, Extent2 strides, Padding padding,
                                 std::int64_t depth_multiplier, bool use_bias,
                                 Extent2 dilation_rate, Initializer depthwise_initializer)
    : depth_multiplier_(depth_multiplier),
      window_{kernel_size, strides, padding, dilation_rate},
      use_bias_(use_bias),
      depthwise_initializer_(depthwise_initializer) {
  if (depth_multiplier < 1 || depth_multiplier > most_multiples) {
    throw Error(ErrorCode::invalid_argument,
                "DepthwiseConv2D: depth_multiplier must be at least 1, and at most " +
                    std::to_string(most_multiples));
  }
  window_.check();
}

std::shared_ptr<const Layer> DepthwiseConv2D::from(const Attributes& attributes) {
  AttributeReader read("DepthwiseConv2D", attributes);
  const Extent2 size = read.extent("kernel_size");
  const Extent2 strides = read.extent("strides", 1);
  const Padding padding = padding_of(read.text("padding", "valid"));
  const std::int64_t multiplier = read.integer("depth_multiplier", 1);
  const bool use_bias = read.flag("use_bias", true);
  const Extent2 dilation = read.extent("dilation_rate", 1);
  const Initializer initializer =
      read.initializer("depthwise_initializer", Initializer::glorot_uniform);
  read.finish();
  return std::make_shared<DepthwiseConv2D>(size, strides, padding, multiplier, use_bias, dilation,
                                           initializer);
}

Shape DepthwiseConv2D::output_shape(std::span<const Shape> inputs) const {
  const Shape& input = single_input(inputs);
  const Extent2 output = window_.output_of(input);
  return {output.height, output.width, input[2] * depth_multiplier_};
}

std::vector<ParameterSpec> DepthwiseConv2D::parameters(std::span<const Shape> inputs) const {
  const std::int64_t channels = single_input(inputs)[2];
  std::vector<ParameterSpec> specs{
      {"kernel",
       {window_.size.height, window_.size.width, channels, depth_multiplier_},
       depthwise_initializer_}};
  if (use_bias_) specs.push_back({"bias", {channels * depth_multiplier_}});
  return specs;
}

std::int64_t DepthwiseConv2D::multiply_adds(std::span<const Shape> inputs) const {
  return output_shape(inputs).elements() * window_.size.height * window_.size.width;
}

Attributes DepthwiseConv2D::attributes() const {
  return {{"kernel_size", as_list(window_.size)},
          {"strides", as_list(window_.strides)},
          {"padding", std::string(to_string(window_.padding))},
          {"depth_multiplier", depth_multiplier_},
          {"use_bias", use_bias_},
          {"dilation_rate", as_list(window_.dilation)},
          {"depthwise_initializer", depthwise_initializer_.name()}};
}

}  // namespace headrace
