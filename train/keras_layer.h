#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "headrace/train/layer.h"

// One layer's entry in a model's configuration as Keras has it.
namespace headrace::keras {

using Json = nlohmann::ordered_json;

struct LayerAndActivation {
  std::shared_ptr<const Layer> layer;
  // Applied to what the layer gives; null: nothing.
  std::shared_ptr<const Layer> activation;
};

// Reads a layer of that class for inputs with so many axes, the batch among them.
// Throws Error{unsupported} or Error{invalid_argument} saying what of it is not to be had.
LayerAndActivation layer_from(const std::string& class_name, const Json& config, std::size_t axes);

// Keras' configuration of a layer of that name.
Json config_of(const Layer& layer, const std::string& name);

// Throws Error{unsupported} for any other dtype than float32.
void require_float32(const Json& config);

}  // namespace headrace::keras
