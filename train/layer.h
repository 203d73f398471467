#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "headrace/train/initializer.h"
#include "headrace/train/shape.h"

namespace headrace {

// A parameter that a layer owns, in Keras' name, shape and layout.
struct ParameterSpec {
  std::string name;  // "kernel"
  Shape shape;
  Initializer initializer = Initializer::zeros;
  // False: no gradient and no optimizer touches it; the layer updates it itself, as batch
  // normalisation does its moving statistics. Saved and loaded as all others.
  bool trainable = true;
};

using AttributeValue =
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>>;
// A layer's configuration, by Keras' names: {"filters": 32, "kernel_size": [3, 3], ...}.
using Attributes = std::map<std::string, AttributeValue>;

// The description of a layer: what it computes, with no numbers in it. Immutable; backends look at
// its concrete type and implement it. Each kind is one file pair in layers/, one operation in each
// backend, and one line in layer_registry.cc.
class Layer {
 public:
  virtual ~Layer() = default;

  // Keras' class name: "Conv2D".
  virtual std::string_view kind() const = 0;
  // The shape of the output for these inputs.
  // Throws Error{invalid_argument} saying what it needs and what it got.
  virtual Shape output_shape(std::span<const Shape> inputs) const = 0;
  virtual std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const;
  // Multiply-adds of one forward pass of one sample: products with kernels, which are nearly all
  // there is; work on each value, such as activations, is not counted.
  virtual std::int64_t multiply_adds(std::span<const Shape> inputs) const;
  virtual Attributes attributes() const = 0;

 protected:
  Layer() = default;
  Layer(const Layer&) = default;
  Layer& operator=(const Layer&) = default;
};

// Makes a layer from its kind and attributes, as a checkpoint has them.
// Throws Error{unsupported} for an unknown kind, Error{invalid_argument} for bad attributes.
std::shared_ptr<const Layer> make_layer(std::string_view kind, const Attributes& attributes);

}  // namespace headrace
