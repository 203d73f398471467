#pragma once

#include <cstdint>

#include "headrace/train/layer.h"

namespace headrace {

// A fully connected layer over the last axis: output = input kernel + bias. Input {..., elements},
// output {..., units}; kernel {elements, units}.
class Dense : public Layer {
 public:
  // Throws Error{invalid_argument} unless units is at least 1.
  explicit Dense(std::int64_t units, bool use_bias = true,
                 Initializer kernel_initializer = Initializer::glorot_uniform);
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "Dense"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  Attributes attributes() const override;

  std::int64_t units() const { return units_; }
  bool use_bias() const { return use_bias_; }

 private:
  std::int64_t units_;
  bool use_bias_;
  Initializer kernel_initializer_;
};

}  // namespace headrace
