#include "headrace/train/layers/max_pooling2d.h"

namespace headrace {

MaxPooling2D::MaxPooling2D(Extent2 pool_size, Extent2 strides, Padding padding)
    : Pooling2D({pool_size, strides, padding}) {}

std::shared_ptr<const Layer> MaxPooling2D::from(const Attributes& attributes) {
  const Window window = window_from("MaxPooling2D", attributes);
  return std::make_shared<MaxPooling2D>(window.size, window.strides, window.padding);
}

}  // namespace headrace
