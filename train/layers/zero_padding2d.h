#pragma once

#include <cstdint>

#include "headrace/train/layer.h"
#include "headrace/train/layers/window.h"

namespace headrace {

// Puts rows and columns of zeros around an image {height, width, channels}.
class ZeroPadding2D : public Layer {
 public:
  struct Border {
    std::int64_t top = 1;
    std::int64_t bottom = 1;
    std::int64_t left = 1;
    std::int64_t right = 1;
  };

  // The same on both sides. Throws Error{invalid_argument} unless none is below 0.
  explicit ZeroPadding2D(Extent2 padding = 1)
      : ZeroPadding2D(Border{padding.height, padding.height, padding.width, padding.width}) {}
  explicit ZeroPadding2D(const Border& border);
  // `padding` is one number, {height, width} or {top, bottom, left, right}.
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "ZeroPadding2D"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  Attributes attributes() const override;

  const Border& border() const { return border_; }

 private:
  Border border_;
};

}  // namespace headrace
