#pragma once

#include "headrace/train/layer.h"

namespace headrace {

// In training sets a share `rate` of the values to zero and divides the others by (1 - rate);
// otherwise passes them on. Which ones is a function of (seed, step, layer, row of the global
// batch, element): the same at any number of threads and replicas.
class Dropout : public Layer {
 public:
  // Throws Error{invalid_argument} unless 0 <= rate < 1.
  explicit Dropout(double rate);
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "Dropout"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  Attributes attributes() const override { return {{"rate", rate_}}; }

  double rate() const { return rate_; }

 private:
  double rate_;
};

}  // namespace headrace
