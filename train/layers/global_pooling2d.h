#pragma once

#include "headrace/train/layer.h"

namespace headrace {

// The largest value of each channel: {height, width, channels} becomes {channels}. Of equal values
// the first in reading order takes the gradient.
class GlobalMaxPooling2D : public Layer {
 public:
  GlobalMaxPooling2D() = default;
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "GlobalMaxPooling2D"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  Attributes attributes() const override { return {}; }
};

// The mean of each channel: {height, width, channels} becomes {channels}.
class GlobalAveragePooling2D : public Layer {
 public:
  GlobalAveragePooling2D() = default;
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "GlobalAveragePooling2D"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  Attributes attributes() const override { return {}; }
};

}  // namespace headrace
