#pragma once

#include <cstdint>

#include "headrace/train/layer.h"
#include "headrace/train/layers/window.h"

namespace headrace {

// Two-dimensional convolution (cross-correlation) with a bias for each filter.
// Input {height, width, channels}; kernel {height, width, channels, filters}, Keras' layout.
class Conv2D : public Layer {
 public:
  // Throws Error{invalid_argument} unless filters, kernel size and strides are at least 1.
  Conv2D(std::int64_t filters, Extent2 kernel_size, Extent2 strides = 1,
         Padding padding = Padding::valid, bool use_bias = true);
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "Conv2D"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  Attributes attributes() const override;

  std::int64_t filters() const { return filters_; }
  const Window& window() const { return window_; }
  bool use_bias() const { return use_bias_; }

 private:
  std::int64_t filters_;
  Window window_;
  bool use_bias_;
};

}  // namespace headrace
