#include "headrace/train/layers/conv2d.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {

Conv2D::Conv2D(std::int64_t filters, Extent2 kernel_size, Extent2 strides, Padding padding,
               bool use_bias)
    : filters_(filters), window_{kernel_size, strides, padding}, use_bias_(use_bias) {
  if (filters < 1) throw Error(ErrorCode::invalid_argument, "Conv2D: needs at least 1 filter");
  window_.check();
}

std::shared_ptr<const Layer> Conv2D::from(const Attributes& attributes) {
  AttributeReader read("Conv2D", attributes);
  const std::int64_t filters = read.integer("filters");
  const auto size = read.pair("kernel_size", {0, 0});
  const auto strides = read.pair("strides", {1, 1});
  const Padding padding = padding_of(read.text("padding", "valid"));
  const bool use_bias = read.flag("use_bias", true);
  read.finish();
  return std::make_shared<Conv2D>(filters, Extent2(size[0], size[1]),
                                  Extent2(strides[0], strides[1]), padding, use_bias);
}

Shape Conv2D::output_shape(std::span<const Shape> inputs) const {
  const Extent2 output = window_.output_of(single_input(inputs));
  return {output.height, output.width, filters_};
}

std::vector<ParameterSpec> Conv2D::parameters(std::span<const Shape> inputs) const {
  const std::int64_t channels = single_input(inputs)[2];
  const std::int64_t taps = window_.size.height * window_.size.width;
  std::vector<ParameterSpec> specs{{"kernel",
                                    {window_.size.height, window_.size.width, channels, filters_},
                                    Initializer::glorot_uniform,
                                    taps * channels,
                                    taps * filters_}};
  if (use_bias_) specs.push_back({"bias", {filters_}, Initializer::zeros, 0, 0});
  return specs;
}

std::int64_t Conv2D::multiply_adds(std::span<const Shape> inputs) const {
  return output_shape(inputs).elements() * window_.size.height * window_.size.width *
         single_input(inputs)[2];
}

Attributes Conv2D::attributes() const {
  return {{"filters", filters_},
          {"kernel_size", std::vector{window_.size.height, window_.size.width}},
          {"strides", std::vector{window_.strides.height, window_.strides.width}},
          {"padding", std::string(to_string(window_.padding))},
          {"use_bias", use_bias_}};
}

}  // namespace headrace
