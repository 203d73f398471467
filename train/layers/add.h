#pragma once

#include "headrace/train/layer.h"

namespace headrace {

// The sum of its inputs, two or more of the same shape.
class Add : public Layer {
 public:
  Add() = default;
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "Add"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  Attributes attributes() const override { return {}; }
};

}  // namespace headrace
