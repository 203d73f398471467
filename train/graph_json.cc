#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/graph.h"

namespace headrace {
namespace {

using Json = nlohmann::ordered_json;

constexpr int format_version = 1;

Json to_json_value(const AttributeValue& value) {
  return std::visit([](const auto& held) { return Json(held); }, value);
}

std::int64_t integer_from(const Json& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  throw Error(ErrorCode::corrupt_data, value.dump() + " should be an integer");
}

std::vector<std::int64_t> integers_from(const Json& list) {
  std::vector<std::int64_t> integers;
  for (const Json& value : list) integers.push_back(integer_from(value));
  return integers;
}

// A number of a node or layer.
std::int32_t number_from(const Json& value) {
  const std::int64_t number = integer_from(value);
  if (number >= 0 && number <= std::numeric_limits<std::int32_t>::max()) {
    return static_cast<std::int32_t>(number);
  }
  throw Error(ErrorCode::corrupt_data, "there is no number " + value.dump());
}

std::vector<Graph::NodeId> nodes_from(const Json& list) {
  std::vector<Graph::NodeId> nodes;
  for (const Json& value : list) nodes.push_back(number_from(value));
  return nodes;
}

AttributeValue attribute_from(const std::string& name, const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) return integers_from(value);
  throw Error(ErrorCode::corrupt_data, "attribute " + name + " is of no known type");
}

struct LayerText {
  std::string name;
  std::shared_ptr<const Layer> layer;
};

LayerText layer_from(const Json& json) {
  LayerText text;
  text.name = json.at("name").get<std::string>();
  Attributes attributes;
  for (const auto& [name, value] : json.at("config").items()) {
    attributes[name] = attribute_from(name, value);
  }
  text.layer = make_layer(json.at("class_name").get<std::string>(), attributes);
  return text;
}

Graph graph_from(const Json& json) {
  if (json.at("version").get<int>() != format_version) {
    throw Error(ErrorCode::unsupported, "the model was saved by a later version of Headrace");
  }
  std::vector<LayerText> layers;
  for (const Json& layer : json.at("layers")) layers.push_back(layer_from(layer));

  Graph graph;
  std::vector<Graph::LayerId> ids(layers.size(), -1);
  for (const Json& node : json.at("nodes")) {
    std::optional<DeviceId> device;
    if (node.contains("device")) device = parse_device_id(node.at("device").get<std::string>());
    graph.set_device(device);
    if (node.contains("input")) {
      graph.input(Shape(integers_from(node.at("shape"))), node.at("input").get<std::string>());
      continue;
    }
    const auto layer = static_cast<std::size_t>(number_from(node.at("layer")));
    auto inputs = nodes_from(node.at("inputs"));
    Graph::LayerId& id = ids.at(layer);
    if (id < 0) {
      graph.add(layers[layer].layer, std::move(inputs), layers[layer].name);
      id = static_cast<Graph::LayerId>(graph.layers().size() - 1);
    } else {
      graph.add_shared(id, std::move(inputs));
    }
  }
  graph.set_device(std::nullopt);
  graph.set_output(number_from(json.at("output")));
  return graph;
}

}  // namespace

std::string Graph::to_json() const {
  Json json;
  json["version"] = format_version;
  json["layers"] = Json::array();
  for (const LayerEntry& entry : layers_) {
    Json config = Json::object();
    for (const auto& [name, value] : entry.layer->attributes()) config[name] = to_json_value(value);
    json["layers"].push_back({{"name", entry.name},
                              {"class_name", std::string(entry.layer->kind())},
                              {"config", std::move(config)}});
  }
  json["nodes"] = Json::array();
  for (const Node& node : nodes_) {
    if (node.layer < 0) {
      json["nodes"].push_back({{"input", node.input_name}, {"shape", node.shape.extents()}});
    } else {
      json["nodes"].push_back({{"layer", node.layer}, {"inputs", node.inputs}});
    }
    if (node.device) json["nodes"].back()["device"] = to_string(*node.device);
  }
  json["output"] = output();
  return json.dump();
}

Graph Graph::from_json(std::string_view text) {
  try {
    return graph_from(Json::parse(text));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::unsupported) throw;
    throw Error(ErrorCode::corrupt_data, std::string("not a model graph: ") + error.what());
  } catch (const std::exception& error) {
    throw Error(ErrorCode::corrupt_data, std::string("not a model graph: ") + error.what());
  }
}

}  // namespace headrace
