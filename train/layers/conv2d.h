#pragma once

#include <cstdint>

#include "headrace/train/layer.h"
#include "headrace/train/layers/window.h"

namespace headrace {

// Two-dimensional convolution (cross-correlation) with a bias for each filter.
// Input {height, width, channels}; kernel {height, width, channels / groups, filters}, Keras'
// layout: of G groups, group g reads the g-th part of the channels and makes the g-th part of the
// filters.
class Conv2D : public Layer {
 public:
  // Throws Error{invalid_argument} unless filters, kernel size, strides, dilation and groups are at
  // least 1, groups divide the filters, and one of strides and dilation is 1.
  Conv2D(std::int64_t filters, Extent2 kernel_size, Extent2 strides = 1,
         Padding padding = Padding::valid, bool use_bias = true, Extent2 dilation_rate = 1,
         std::int64_t groups = 1, Initializer kernel_initializer = Initializer::glorot_uniform);
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "Conv2D"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  Attributes attributes() const override;

  std::int64_t filters() const { return filters_; }
  std::int64_t groups() const { return groups_; }
  const Window& window() const { return window_; }
  bool use_bias() const { return use_bias_; }

 private:
  std::int64_t filters_;
  std::int64_t groups_;
  Window window_;
  bool use_bias_;
  Initializer kernel_initializer_;
};

}  // namespace headrace
