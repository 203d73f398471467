#include "headrace/train/graph.h"

#include <algorithm>
#include <cctype>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::int64_t max_elements = std::int64_t{1} << 40;

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

bool is_too_large(const Shape& shape) {
  double elements = 1;
  for (std::int64_t extent : shape.extents()) elements *= static_cast<double>(extent);
  return elements > static_cast<double>(max_elements);
}

// Keras' default name of a layer class: "MaxPooling2D" -> "max_pooling2d".
std::string default_name(std::string_view kind) {
  std::string name;
  const auto is = [&](int (*test)(int), std::size_t at) {
    return at < kind.size() && test(static_cast<unsigned char>(kind[at])) != 0;
  };
  for (std::size_t at = 0; at < kind.size(); ++at) {
    const bool new_word =
        at > 0 && is(std::isupper, at) &&
        (is(std::islower, at - 1) || (is(std::isupper, at - 1) && is(std::islower, at + 1)));
    if (new_word) name += '_';
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(kind[at])));
  }
  return name;
}

bool has_layer(const std::vector<Graph::LayerEntry>& layers, std::string_view name) {
  return std::any_of(layers.begin(), layers.end(),
                     [&](const Graph::LayerEntry& entry) { return entry.name == name; });
}

std::string unique_name(const std::vector<Graph::LayerEntry>& layers, const std::string& base) {
  std::string name = base;
  for (int number = 1; has_layer(layers, name); ++number) {
    name = base + "_" + std::to_string(number);
  }
  return name;
}

std::string describe(const Graph& graph, Graph::NodeId id) {
  const Graph::Node& node = graph.nodes()[static_cast<std::size_t>(id)];
  return node.layer < 0 ? "input " + node.input_name
                        : graph.layers()[static_cast<std::size_t>(node.layer)].name;
}

std::string describe(const Graph& graph, std::span<const Graph::NodeId> nodes) {
  std::string text;
  for (Graph::NodeId node : nodes) text += (text.empty() ? "" : ", ") + describe(graph, node);
  return text;
}

bool same_shapes(const std::vector<ParameterSpec>& a, const std::vector<ParameterSpec>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const ParameterSpec& x, const ParameterSpec& y) {
                      return x.name == y.name && x.shape == y.shape;
                    });
}

}  // namespace

Graph::NodeId Graph::input(Shape shape, std::string name) {
  std::int64_t elements = 1;
  for (std::int64_t extent : shape.extents()) {
    if (extent < 1 || extent > max_elements / elements) {
      fail("input " + name + ": " + shape.to_string() + " is no shape of a sample");
    }
    elements *= extent;
  }
  for (const Node& node : nodes_) {
    if (node.layer < 0 && node.input_name == name) {
      fail("the graph has two inputs named " + name);
    }
  }
  nodes_.push_back({-1, {}, std::move(shape), std::move(name), {}});
  return static_cast<NodeId>(nodes_.size() - 1);
}

Graph::NodeId Graph::add(std::shared_ptr<const Layer> layer, std::vector<NodeId> inputs,
                         std::string name) {
  if (layer == nullptr) fail("a graph needs layers, not null");
  if (name.empty()) {
    name = unique_name(layers_, default_name(layer->kind()));
  } else if (has_layer(layers_, name)) {
    fail("the graph has two layers named " + name);
  } else if (name.find('/') != std::string::npos) {
    fail("layer name " + name + ": '/' separates layer and parameter, so a name has none");
  }
  layers_.push_back({std::move(name), std::move(layer), {}});
  try {
    return use(static_cast<LayerId>(layers_.size() - 1), std::move(inputs));
  } catch (...) {
    layers_.pop_back();
    throw;
  }
}

Graph::NodeId Graph::add_shared(LayerId layer, std::vector<NodeId> inputs) {
  if (layer < 0 || static_cast<std::size_t>(layer) >= layers_.size()) {
    fail("the graph has no layer number " + std::to_string(layer));
  }
  return use(layer, std::move(inputs));
}

Graph::NodeId Graph::use(LayerId layer, std::vector<NodeId> inputs) {
  LayerEntry& entry = layers_[static_cast<std::size_t>(layer)];
  std::vector<Shape> shapes;
  for (NodeId id : inputs) {
    if (id < 0 || static_cast<std::size_t>(id) >= nodes_.size()) {
      fail(entry.name + ": the graph has no node number " + std::to_string(id));
    }
    shapes.push_back(shape(id));
  }
  const bool first_use = std::none_of(nodes_.begin(), nodes_.end(),
                                      [&](const Node& node) { return node.layer == layer; });
  try {
    Shape output = entry.layer->output_shape(shapes);
    std::vector<ParameterSpec> parameters = entry.layer->parameters(shapes);
    if (!first_use && !same_shapes(parameters, entry.parameters)) {
      fail("its parameters do not fit another input shape, " + shapes.front().to_string());
    }
    if (is_too_large(output)) fail("output " + output.to_string() + " is too large");
    for (const ParameterSpec& parameter : parameters) {
      if (is_too_large(parameter.shape)) {
        fail(parameter.name + " " + parameter.shape.to_string() + " is too large");
      }
    }
    entry.parameters = std::move(parameters);
    nodes_.push_back({layer, std::move(inputs), std::move(output), "", device_});
  } catch (const Error& error) {
    throw error.with_context(entry.name + " after " + describe(*this, inputs));
  }
  return static_cast<NodeId>(nodes_.size() - 1);
}

void Graph::place(NodeId node, std::optional<DeviceId> device) {
  Node& placed = nodes_.at(static_cast<std::size_t>(node));
  if (placed.layer >= 0) placed.device = device;
}

void Graph::set_output(NodeId node) {
  if (node < 0 || static_cast<std::size_t>(node) >= nodes_.size()) {
    fail("the graph has no node number " + std::to_string(node));
  }
  output_ = node;
}

Graph::NodeId Graph::output() const {
  if (nodes_.empty()) fail("the graph is empty");
  return output_ >= 0 ? output_ : static_cast<NodeId>(nodes_.size() - 1);
}

std::int64_t Graph::parameter_count() const {
  std::int64_t count = 0;
  for (const LayerEntry& entry : layers_) {
    for (const ParameterSpec& parameter : entry.parameters) count += parameter.shape.elements();
  }
  return count;
}

std::int64_t Graph::trainable_parameter_count() const {
  std::int64_t count = 0;
  for (const LayerEntry& entry : layers_) {
    for (const ParameterSpec& parameter : entry.parameters) {
      if (parameter.trainable) count += parameter.shape.elements();
    }
  }
  return count;
}

std::int64_t Graph::flops(NodeId id) const {
  const Node& node = nodes_.at(static_cast<std::size_t>(id));
  if (node.layer < 0) return 0;
  std::vector<Shape> shapes;
  for (NodeId input : node.inputs) shapes.push_back(shape(input));
  return 2 * layers_[static_cast<std::size_t>(node.layer)].layer->multiply_adds(shapes);
}

std::int64_t Graph::flops() const {
  std::int64_t sum = 0;
  for (std::size_t id = 0; id < nodes_.size(); ++id) sum += flops(static_cast<NodeId>(id));
  return sum;
}

}  // namespace headrace
