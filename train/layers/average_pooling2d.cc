#include "headrace/train/layers/average_pooling2d.h"

namespace headrace {

AveragePooling2D::AveragePooling2D(Extent2 pool_size, Extent2 strides, Padding padding)
    : Pooling2D({pool_size, strides, padding}) {}

std::shared_ptr<const Layer> AveragePooling2D::from(const Attributes& attributes) {
  const Window window = window_from("AveragePooling2D", attributes);
  return std::make_shared<AveragePooling2D>(window.size, window.strides, window.padding);
}

}  // namespace headrace
