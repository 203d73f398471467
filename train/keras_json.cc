#include "headrace/train/keras_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/train/keras_layer.h"
#include "headrace/train/layers/activation.h"

namespace headrace {
namespace {

using keras::Json;

// The value that a call of a layer gives: (layer's name, which of its calls).
using Source = std::pair<std::string, std::size_t>;

struct KerasLayer {
  std::string name;
  std::string class_name;
  Json config;
  std::vector<std::vector<Source>> calls;  // what each is made of
};

struct KerasModel {
  std::vector<KerasLayer> layers;
  Source output;
};

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::unsupported, what); }

// {"keras_history": ["conv2d", 0, 0]} of Keras 3, or ["conv2d", 0, 0, {...}] of Keras 2.
Source source_from(const Json& history) {
  if (history.at(2).get<int>() != 0) {
    refuse("uses a further output of layer " + history.at(0).get<std::string>() +
           "; layers have one output");
  }
  return {history.at(0).get<std::string>(), history.at(1).get<std::size_t>()};
}

// Options of a call, as opposed to those of the layer.
void require_plain_call(const std::string& class_name, const Json& options) {
  for (const auto& [name, value] : options.items()) {
    if (value.is_null()) continue;
    // Keras notes training=False of its own accord, without effect, but for this layer, of which it
    // asks that it be frozen.
    if (name == "training" && value == false && class_name != "BatchNormalization") continue;
    refuse(fmt::format("is called with {}={}, which is not supported", name, value.dump()));
  }
}

void append_tensors(const Json& argument, std::vector<Source>& sources) {
  if (argument.is_array()) {
    for (const Json& part : argument) append_tensors(part, sources);
  } else if (argument.is_object() && argument.value("class_name", "") == "__keras_tensor__") {
    sources.push_back(source_from(argument.at("config").at("keras_history")));
  } else {
    refuse(fmt::format("is called with {}, which is no value of the model", argument.dump()));
  }
}

std::vector<Source> call_from(const std::string& class_name, const Json& call) {
  std::vector<Source> sources;
  if (call.is_object()) {
    append_tensors(call.at("args"), sources);
    require_plain_call(class_name, call.at("kwargs"));
    return sources;
  }
  for (const Json& tensor : call) {
    sources.push_back(source_from(tensor));
    if (tensor.size() > 3) require_plain_call(class_name, tensor.at(3));
  }
  return sources;
}

KerasLayer layer_of(const Json& json) {
  KerasLayer layer;
  layer.class_name = json.at("class_name").get<std::string>();
  layer.config = json.at("config");
  layer.name = json.contains("name") ? json.at("name").get<std::string>()
                                     : layer.config.at("name").get<std::string>();
  if (layer.config.contains("layers")) {
    refuse("layer " + layer.name + " is a model in the model; put its layers there instead");
  }
  return layer;
}

KerasModel functional_from(const Json& config) {
  KerasModel model;
  for (const Json& json : config.at("layers")) {
    KerasLayer layer = layer_of(json);
    try {
      for (const Json& call : json.at("inbound_nodes")) {
        layer.calls.push_back(call_from(layer.class_name, call));
      }
    } catch (const Error& error) {
      throw error.with_context(fmt::format("layer {} ({})", layer.name, layer.class_name));
    }
    model.layers.push_back(std::move(layer));
  }
  const Json& outputs = config.at("output_layers");
  const bool nested = !outputs.empty() && outputs[0].is_array();
  if (nested && outputs.size() != 1) {
    refuse(fmt::format("the model has {} outputs; one is supported", outputs.size()));
  }
  model.output = source_from(nested ? outputs[0] : outputs);
  return model;
}

// The input that a Sequential model says in passing.
KerasLayer implied_input(const Json& config, const Json& first) {
  KerasLayer input;
  input.name = "input";
  input.class_name = "InputLayer";
  const char* const key = "batch_input_shape";
  if (first.contains(key)) {
    input.config["batch_shape"] = first.at(key);
  } else if (config.contains("build_input_shape")) {
    input.config["batch_shape"] = config.at("build_input_shape");
  } else {
    throw Error(ErrorCode::invalid_argument,
                "the model does not say what its input is: begin it with keras.Input(shape)");
  }
  return input;
}

KerasModel sequential_from(const Json& config) {
  KerasModel model;
  for (const Json& json : config.at("layers")) model.layers.push_back(layer_of(json));
  if (model.layers.empty()) throw Error(ErrorCode::corrupt_data, "the model has no layers");
  if (model.layers.front().class_name != "InputLayer") {
    model.layers.insert(model.layers.begin(), implied_input(config, model.layers.front().config));
  }
  for (std::size_t i = 1; i < model.layers.size(); ++i) {
    model.layers[i].calls = {{Source{model.layers[i - 1].name, 0}}};
  }
  model.output = {model.layers.back().name, 0};
  return model;
}

// Makes a graph of a model's layers, each call as soon as what it is made of is there.
class Assembly {
 public:
  Assembly(const KerasModel& model, const Shape& input) : model_(model), open_(input) {}
  Graph graph();

 private:
  // A layer's number in the graph, and its activation's; -1: not there (yet).
  struct Ids {
    Graph::LayerId layer = -1;
    Graph::LayerId activation = -1;
  };

  void add_input(const KerasLayer& layer, std::size_t inputs);
  bool add_calls(const KerasLayer& layer);
  bool add_call(const KerasLayer& layer, std::size_t call);
  Graph::NodeId apply(const KerasLayer& layer, const std::vector<Graph::NodeId>& inputs);
  std::string activation_name(const std::string& layer, const Layer& activation) const;
  bool is_taken(const std::string& name) const;

  const KerasModel& model_;
  const Shape& open_;
  Graph graph_;
  std::map<Source, Graph::NodeId> nodes_;
  std::map<std::string, Ids> ids_;
};

void Assembly::add_input(const KerasLayer& layer, std::size_t inputs) {
  const char* const key =
      layer.config.contains("batch_shape") ? "batch_shape" : "batch_input_shape";
  const Json& batch_shape = layer.config.at(key);
  std::vector<std::int64_t> extents;
  for (std::size_t axis = 1; axis < batch_shape.size(); ++axis) {
    if (!batch_shape[axis].is_null()) {
      extents.push_back(batch_shape[axis].get<std::int64_t>());
    } else if (open_.rank() + 1 == batch_shape.size()) {
      extents.push_back(open_[axis - 1]);
    } else {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("input {} leaves its size open, {}: say which it is", layer.name,
                              batch_shape.dump()));
    }
  }
  keras::require_float32(layer.config);
  nodes_[{layer.name, 0}] =
      graph_.input(Shape(std::move(extents)), inputs == 1 ? "image" : layer.name);
}

bool Assembly::is_taken(const std::string& name) const {
  const auto has_it = [&](const auto& entry) { return entry.name == name; };
  return std::any_of(model_.layers.begin(), model_.layers.end(), has_it) ||
         std::any_of(graph_.layers().begin(), graph_.layers().end(), has_it);
}

std::string Assembly::activation_name(const std::string& layer, const Layer& activation) const {
  const auto* const function = dynamic_cast<const Activation*>(&activation);
  std::string name = layer + "_";
  name += function != nullptr ? to_string(function->function()) : activation.kind();
  while (is_taken(name)) name += "_";
  return name;
}

Graph::NodeId Assembly::apply(const KerasLayer& layer, const std::vector<Graph::NodeId>& inputs) {
  Ids& ids = ids_[layer.name];
  if (ids.layer >= 0) {
    const Graph::NodeId node = graph_.add_shared(ids.layer, inputs);
    return ids.activation < 0 ? node : graph_.add_shared(ids.activation, {node});
  }
  const auto last = [this] { return static_cast<Graph::LayerId>(graph_.layers().size()) - 1; };
  const std::size_t axes = inputs.empty() ? 0 : graph_.shape(inputs.front()).rank() + 1;
  const auto [made, activation] = keras::layer_from(layer.class_name, layer.config, axes);
  Graph::NodeId node = graph_.add(made, inputs, layer.name);
  ids.layer = last();
  if (activation != nullptr) {
    node = graph_.add(activation, {node}, activation_name(layer.name, *activation));
    ids.activation = last();
  }
  return node;
}

// Whether what the call is made of was there.
bool Assembly::add_call(const KerasLayer& layer, std::size_t call) {
  std::vector<Graph::NodeId> inputs;
  for (const Source& source : layer.calls[call]) {
    const auto node = nodes_.find(source);
    if (node == nodes_.end()) return false;
    inputs.push_back(node->second);
  }
  try {
    nodes_[{layer.name, call}] = apply(layer, inputs);
  } catch (const Error& error) {
    throw error.with_context(fmt::format("layer {} ({})", layer.name, layer.class_name));
  }
  return true;
}

bool Assembly::add_calls(const KerasLayer& layer) {
  bool added = false;
  for (std::size_t call = 0; call < layer.calls.size(); ++call) {
    if (nodes_.count({layer.name, call}) == 0) added |= add_call(layer, call);
  }
  return added;
}

Graph Assembly::graph() {
  const auto is_input = [](const KerasLayer& layer) { return layer.class_name == "InputLayer"; };
  const auto inputs =
      static_cast<std::size_t>(std::count_if(model_.layers.begin(), model_.layers.end(), is_input));
  for (const KerasLayer& layer : model_.layers) {
    if (is_input(layer)) add_input(layer, inputs);
  }
  for (bool added = true; added;) {
    added = false;
    for (const KerasLayer& layer : model_.layers) added |= !is_input(layer) && add_calls(layer);
  }
  for (const KerasLayer& layer : model_.layers) {
    for (std::size_t call = 0; call < layer.calls.size(); ++call) {
      if (nodes_.count({layer.name, call}) > 0) continue;
      throw Error(ErrorCode::corrupt_data,
                  "layer " + layer.name + " is made of something that is not in the model");
    }
  }
  const auto output = nodes_.find(model_.output);
  if (output == nodes_.end()) {
    throw Error(ErrorCode::corrupt_data,
                "the output is layer " + model_.output.first + ", which is not in the model");
  }
  graph_.set_output(output->second);
  return std::move(graph_);
}

KerasModel model_from(const Json& json) {
  const auto class_name = json.at("class_name").get<std::string>();
  if (class_name == "Sequential") return sequential_from(json.at("config"));
  if (class_name == "Functional" || class_name == "Model") {
    return functional_from(json.at("config"));
  }
  refuse(fmt::format("class {}: Sequential and Functional are supported", class_name));
}

// The names of layers, and for each node which call it is of its layer.
class Writer {
 public:
  explicit Writer(const Graph& graph);
  Json config(std::string_view name) const;

 private:
  Json history(Graph::NodeId id) const;
  Json tensor(Graph::NodeId id) const;
  Json call(const Graph::Node& node) const;
  Json batch_shape(const Shape& shape) const;

  const Graph& graph_;
  std::vector<std::size_t> calls_;
};

Writer::Writer(const Graph& graph) : graph_(graph) {
  std::vector<std::size_t> uses(graph.layers().size(), 0);
  for (const Graph::Node& node : graph.nodes()) {
    calls_.push_back(node.layer < 0 ? 0 : uses[static_cast<std::size_t>(node.layer)]++);
  }
}

Json Writer::history(Graph::NodeId id) const {
  const Graph::Node& node = graph_.nodes()[static_cast<std::size_t>(id)];
  const std::string& name =
      node.layer < 0 ? node.input_name : graph_.layers()[static_cast<std::size_t>(node.layer)].name;
  return {name, calls_[static_cast<std::size_t>(id)], 0};
}

Json Writer::batch_shape(const Shape& shape) const {
  Json extents = Json::array({nullptr});
  for (std::int64_t extent : shape.extents()) extents.push_back(extent);
  return extents;
}

Json Writer::tensor(Graph::NodeId id) const {
  return {{"class_name", "__keras_tensor__"},
          {"config",
           {{"shape", batch_shape(graph_.shape(id))},
            {"dtype", "float32"},
            {"keras_history", history(id)}}}};
}

Json Writer::call(const Graph::Node& node) const {
  Json tensors = Json::array();
  for (Graph::NodeId input : node.inputs) tensors.push_back(tensor(input));
  if (tensors.size() > 1) tensors = Json::array({std::move(tensors)});
  return {{"args", std::move(tensors)}, {"kwargs", Json::object()}};
}

Json Writer::config(std::string_view name) const {
  Json layers = Json::array(), inputs = Json::array();
  const auto entry = [](std::string_view kind, const std::string& of, Json config) {
    return Json{
        {"module", "keras.layers"},   {"class_name", kind}, {"config", std::move(config)},
        {"registered_name", nullptr}, {"name", of},         {"inbound_nodes", Json::array()}};
  };
  std::map<Graph::LayerId, std::size_t> places;
  for (std::size_t id = 0; id < graph_.nodes().size(); ++id) {
    const Graph::Node& node = graph_.nodes()[id];
    if (node.layer < 0) {
      layers.push_back(entry("InputLayer", node.input_name,
                             {{"batch_shape", batch_shape(node.shape)},
                              {"dtype", "float32"},
                              {"sparse", false},
                              {"name", node.input_name}}));
      inputs.push_back(history(static_cast<Graph::NodeId>(id)));
      continue;
    }
    const Graph::LayerEntry& layer = graph_.layers()[static_cast<std::size_t>(node.layer)];
    const auto [place, is_new] = places.emplace(node.layer, layers.size());
    if (is_new) {
      layers.push_back(
          entry(layer.layer->kind(), layer.name, keras::config_of(*layer.layer, layer.name)));
    }
    layers[place->second]["inbound_nodes"].push_back(call(node));
  }
  return {{"name", name},
          {"trainable", true},
          {"layers", std::move(layers)},
          {"input_layers", std::move(inputs)},
          {"output_layers", Json::array({history(graph_.output())})}};
}

}  // namespace

Graph graph_from_keras_json(std::string_view text, const Shape& input) {
  try {
    const KerasModel model = model_from(Json::parse(text));
    return Assembly(model, input).graph();
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corrupt_data, std::string("not a Keras model: ") + error.what());
  }
}

std::string to_keras_json(const Graph& graph, std::string_view name) {
  const Json json = {
      {"module", "keras.src.models.functional"},    {"class_name", "Functional"},
      {"config", Writer(graph).config(name)},       {"registered_name", "Functional"},
      {"build_config", {{"input_shape", nullptr}}}, {"compile_config", Json::object()}};
  return json.dump();
}

}  // namespace headrace
