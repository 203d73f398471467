#include "headrace/train/layers/pooling2d.h"

#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {

Pooling2D::Pooling2D(const Window& window) : window_(window) { window_.check(); }

Window Pooling2D::window_from(std::string_view kind, const Attributes& attributes) {
  AttributeReader read(kind, attributes);
  Window window;
  window.size = read.extent("pool_size", 2);
  window.strides = read.extent("strides", window.size);
  window.padding = padding_of(read.text("padding", "valid"));
  read.finish();
  return window;
}

Shape Pooling2D::output_shape(std::span<const Shape> inputs) const {
  const Shape& input = single_input(inputs);
  const Extent2 output = window_.output_of(input);
  return {output.height, output.width, input[2]};
}

Attributes Pooling2D::attributes() const {
  return {{"pool_size", as_list(window_.size)},
          {"strides", as_list(window_.strides)},
          {"padding", std::string(to_string(window_.padding))}};
}

}  // namespace headrace
