#pragma once

#include <string>
#include <string_view>

#include "headrace/train/graph.h"

namespace headrace {

// Models in the form of Keras' own configuration: what model.to_json() gives and
// keras.models.model_from_json() takes. It holds layers and how they are joined, no weights.

// Reads a Sequential or Functional model of Keras 3, or of Keras 2 where it says the same. Layers
// may be shared, and there may be several inputs. A layer's `activation` becomes a layer of its
// own, as in ModelBuilder. A single input is fed by the field "image", several by the fields that
// have their names. `input` fills in what the model leaves open, as in (None, None, 3).
// What changes nothing here (no regularizer, dtype float32, seeds, ...) is passed over.
// Throws Error{corrupt_data} if the text is no Keras model, Error{unsupported} naming the layer and
// what it has that Headrace does not, Error{invalid_argument} if shapes do not fit.
Graph graph_from_keras_json(std::string_view json, const Shape& input = {});

// The graph as a Functional model of that name. Devices are not part of it.
std::string to_keras_json(const Graph& graph, std::string_view name = "model");

}  // namespace headrace
