#pragma once

#include "headrace/train/layers/pooling2d.h"

namespace headrace {

// The largest value in each window, channel by channel; padding never wins. Of equal values the
// first in reading order takes the gradient.
class MaxPooling2D : public Pooling2D {
 public:
  // Throws Error{invalid_argument} unless sizes and strides are at least 1.
  explicit MaxPooling2D(Extent2 pool_size = 2, Padding padding = Padding::valid)
      : MaxPooling2D(pool_size, pool_size, padding) {}
  MaxPooling2D(Extent2 pool_size, Extent2 strides, Padding padding = Padding::valid);
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "MaxPooling2D"; }
};

}  // namespace headrace
