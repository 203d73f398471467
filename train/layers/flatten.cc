#include "headrace/train/layers/flatten.h"

#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {

std::shared_ptr<const Layer> Flatten::from(const Attributes& attributes) {
  AttributeReader("Flatten", attributes).finish();
  return std::make_shared<Flatten>();
}

Shape Flatten::output_shape(std::span<const Shape> inputs) const {
  return {single_input(inputs).elements()};
}

}  // namespace headrace
