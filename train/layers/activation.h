#pragma once

#include <cstdint>
#include <string_view>

#include "headrace/train/layer.h"

namespace headrace {

enum class ActivationKind : std::uint8_t {
  relu,
  softmax,  // over the last axis
};

std::string_view to_string(ActivationKind kind);
// Throws Error{invalid_argument} listing the names there are.
ActivationKind activation_of(std::string_view name);

// A function of each value, or of the values along the last axis. Any input shape.
class Activation : public Layer {
 public:
  explicit Activation(ActivationKind function) : function_(function) {}
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "Activation"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  Attributes attributes() const override;

  ActivationKind function() const { return function_; }

 private:
  ActivationKind function_;
};

}  // namespace headrace
