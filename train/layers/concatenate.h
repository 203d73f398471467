#pragma once

#include <cstdint>

#include "headrace/train/layer.h"

namespace headrace {

// Puts its inputs one after the other along an axis; all other extents are equal.
class Concatenate : public Layer {
 public:
  // Axes count as in Keras: 0 is the batch, which cannot be joined, 1 the first of a sample, -1 the
  // last.
  explicit Concatenate(std::int64_t axis = -1) : axis_(axis) {}
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "Concatenate"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  Attributes attributes() const override { return {{"axis", axis_}}; }

  // The axis of a sample's shape of that rank. Throws Error{invalid_argument} if there is none.
  std::size_t axis_of(std::size_t rank) const;

 private:
  std::int64_t axis_;
};

}  // namespace headrace
