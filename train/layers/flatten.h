#pragma once

#include "headrace/train/layer.h"

namespace headrace {

// Makes {height, width, channels} (or any shape) one row of values; no value moves.
class Flatten : public Layer {
 public:
  Flatten() = default;
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "Flatten"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  Attributes attributes() const override { return {}; }
};

}  // namespace headrace
