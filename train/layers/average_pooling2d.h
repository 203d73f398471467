#pragma once

#include "headrace/train/layers/pooling2d.h"

namespace headrace {

// The mean of each window, channel by channel, over those of its places that lie in the image:
// padding counts nothing, as in TensorFlow.
class AveragePooling2D : public Pooling2D {
 public:
  // Throws Error{invalid_argument} unless sizes and strides are at least 1.
  explicit AveragePooling2D(Extent2 pool_size = 2, Padding padding = Padding::valid)
      : AveragePooling2D(pool_size, pool_size, padding) {}
  AveragePooling2D(Extent2 pool_size, Extent2 strides, Padding padding = Padding::valid);
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "AveragePooling2D"; }
};

}  // namespace headrace
