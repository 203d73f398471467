#pragma once

#include <cstdint>
#include <string_view>

#include "headrace/train/layer.h"

namespace headrace {

enum class ActivationKind : std::uint8_t {
  linear,
  relu,
  leaky_relu,  // x, or negative_slope x below zero
  sigmoid,
  tanh,
  silu,     // x sigmoid(x), also called swish
  gelu,     // x Phi(x), by the error function, not approximated
  softmax,  // over the last axis
};

std::string_view to_string(ActivationKind kind);
// Throws Error{invalid_argument} listing the names there are.
ActivationKind activation_of(std::string_view name);

// A function of each value, or of the values along the last axis. Any input shape.
class Activation : public Layer {
 public:
  explicit Activation(ActivationKind function) : Activation(function, 0.2) {}
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "Activation"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  Attributes attributes() const override;

  ActivationKind function() const { return function_; }
  // Of leaky_relu: Keras' function of that name has .2, its layer .3.
  double negative_slope() const { return negative_slope_; }

 protected:
  Activation(ActivationKind function, double negative_slope)
      : function_(function), negative_slope_(negative_slope) {}

 private:
  ActivationKind function_;
  double negative_slope_;
};

// The activation leaky_relu with a slope of one's own.
class LeakyReLU : public Activation {
 public:
  // Throws Error{invalid_argument} unless the slope is a number of at least 0.
  explicit LeakyReLU(double negative_slope = 0.3);
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "LeakyReLU"; }
  Attributes attributes() const override { return {{"negative_slope", negative_slope()}}; }
};

}  // namespace headrace
