#pragma once

#include "headrace/train/layer.h"
#include "headrace/train/layers/window.h"

namespace headrace {

// What layers that pool windows of an image, channel by channel, have in common: shapes and
// configuration.
class Pooling2D : public Layer {
 public:
  Shape output_shape(std::span<const Shape> inputs) const override;
  Attributes attributes() const override;

  const Window& window() const { return window_; }

 protected:
  // Throws Error{invalid_argument} unless sizes and strides are at least 1.
  explicit Pooling2D(const Window& window);
  // The window that attributes of a layer of this kind describe.
  static Window window_from(std::string_view kind, const Attributes& attributes);

 private:
  Window window_;
};

}  // namespace headrace
