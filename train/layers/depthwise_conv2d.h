#pragma once

#include <cstdint>

#include "headrace/train/layer.h"
#include "headrace/train/layers/window.h"

namespace headrace {

// A convolution of each channel on its own, with `depth_multiplier` filters for each.
// Input {height, width, channels}; kernel {height, width, channels, depth_multiplier}, Keras'
// layout; channel c and multiple m make output channel c * depth_multiplier + m.
class DepthwiseConv2D : public Layer {
 public:
  // Throws Error{invalid_argument} unless kernel size, strides, multiplier and dilation are at
  // least 1, and one of strides and dilation is 1.
  explicit DepthwiseConv2D(Extent2 kernel_size, Extent2 strides = 1,
                           Padding padding = Padding::valid, std::int64_t depth_multiplier = 1,
                           bool use_bias = true, Extent2 dilation_rate = 1,
                           Initializer depthwise_initializer = Initializer::glorot_uniform);
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "DepthwiseConv2D"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  Attributes attributes() const override;

  std::int64_t depth_multiplier() const { return depth_multiplier_; }
  const Window& window() const { return window_; }
  bool use_bias() const { return use_bias_; }

 private:
  std::int64_t depth_multiplier_;
  Window window_;
  bool use_bias_;
  Initializer depthwise_initializer_;
};

}  // namespace headrace
