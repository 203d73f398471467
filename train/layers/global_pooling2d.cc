#include "headrace/train/layers/global_pooling2d.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {
namespace {

Shape channels_of(const Shape& input) {
  if (input.rank() != 3) {
    throw Error(ErrorCode::invalid_argument,
                "needs an image (height, width, channels), got " + input.to_string());
  }
  return {input[2]};
}

}  // namespace

std::shared_ptr<const Layer> GlobalMaxPooling2D::from(const Attributes& attributes) {
  AttributeReader("GlobalMaxPooling2D", attributes).finish();
  return std::make_shared<GlobalMaxPooling2D>();
}

Shape GlobalMaxPooling2D::output_shape(std::span<const Shape> inputs) const {
  return channels_of(single_input(inputs));
}

std::shared_ptr<const Layer> GlobalAveragePooling2D::from(const Attributes& attributes) {
  AttributeReader("GlobalAveragePooling2D", attributes).finish();
  return std::make_shared<GlobalAveragePooling2D>();
}

Shape GlobalAveragePooling2D::output_shape(std::span<const Shape> inputs) const {
  return channels_of(single_input(inputs));
}

}  // namespace headrace
