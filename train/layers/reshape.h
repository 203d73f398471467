#pragma once

#include <cstdint>
#include <vector>

#include "headrace/train/layer.h"

namespace headrace {

// Gives a sample another shape of as many elements; no value moves.
class Reshape : public Layer {
 public:
  // One extent may be -1: as many as are left. Throws Error{invalid_argument} for two of them, or
  // another extent below 1.
  explicit Reshape(std::vector<std::int64_t> target_shape);
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "Reshape"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  Attributes attributes() const override { return {{"target_shape", target_shape_}}; }

 private:
  std::vector<std::int64_t> target_shape_;
};

}  // namespace headrace
