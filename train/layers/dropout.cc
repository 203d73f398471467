#include "headrace/train/layers/dropout.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {

Dropout::Dropout(double rate) : rate_(rate) {
  if (!(rate >= 0 && rate < 1)) {
    throw Error(ErrorCode::invalid_argument,
                "Dropout: rate must be at least 0 and below 1, not " + std::to_string(rate));
  }
}

std::shared_ptr<const Layer> Dropout::from(const Attributes& attributes) {
  AttributeReader read("Dropout", attributes);
  const double rate = read.number("rate", -1);
  read.finish();
  return std::make_shared<Dropout>(rate);
}

Shape Dropout::output_shape(std::span<const Shape> inputs) const { return single_input(inputs); }

}  // namespace headrace
