#include "headrace/train/layers/max_pooling2d.h"

#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {

MaxPooling2D::MaxPooling2D(Extent2 pool_size, Extent2 strides, Padding padding)
    : window_{pool_size, strides, padding} {
  window_.check();
}

std::shared_ptr<const Layer> MaxPooling2D::from(const Attributes& attributes) {
  AttributeReader read("MaxPooling2D", attributes);
  const Extent2 size = read.extent("pool_size", 2);
  const Extent2 strides = read.extent("strides", size);
  const Padding padding = padding_of(read.text("padding", "valid"));
  read.finish();
  return std::make_shared<MaxPooling2D>(size, strides, padding);
}

Shape MaxPooling2D::output_shape(std::span<const Shape> inputs) const {
  const Shape& input = single_input(inputs);
  const Extent2 output = window_.output_of(input);
  return {output.height, output.width, input[2]};
}

Attributes MaxPooling2D::attributes() const {
  return {{"pool_size", as_list(window_.size)},
          {"strides", as_list(window_.strides)},
          {"padding", std::string(to_string(window_.padding))}};
}

}  // namespace headrace
