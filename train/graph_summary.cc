#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "headrace/train/graph.h"

namespace headrace {
namespace {

struct Line {
  std::string layer;
  std::string shape;
  std::string parameters;
  std::string inputs;
};

std::string grouped(std::int64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string name_of(const Graph& graph, const Graph::Node& node) {
  return node.layer < 0 ? node.input_name
                        : graph.layers()[static_cast<std::size_t>(node.layer)].name;
}

Line line_of(const Graph& graph, const Graph::Node& node, bool repeated) {
  Line line;
  line.shape = node.shape.to_string();
  for (Graph::NodeId input : node.inputs) {
    line.inputs += (line.inputs.empty() ? "" : ", ") +
                   name_of(graph, graph.nodes()[static_cast<std::size_t>(input)]);
  }
  if (node.layer < 0) {
    line.layer = node.input_name + " (Input)";
    line.parameters = "0";
    return line;
  }
  const Graph::LayerEntry& entry = graph.layers()[static_cast<std::size_t>(node.layer)];
  line.layer = fmt::format("{} ({})", entry.name, entry.layer->kind());
  std::int64_t count = 0;
  for (const ParameterSpec& parameter : entry.parameters) count += parameter.shape.elements();
  line.parameters = repeated ? "shared" : grouped(count);
  return line;
}

}  // namespace

std::string Graph::summary() const {
  std::vector<Line> lines{{"Layer (type)", "Output shape", "Param #", "Connected to"}};
  std::vector<bool> seen(layers_.size());
  for (const Node& node : nodes_) {
    const bool repeated = node.layer >= 0 && seen[static_cast<std::size_t>(node.layer)];
    if (node.layer >= 0) seen[static_cast<std::size_t>(node.layer)] = true;
    lines.push_back(line_of(*this, node, repeated));
  }
  std::size_t layer = 0, shape = 0, parameters = 0, inputs = 0;
  for (const Line& line : lines) {
    layer = std::max(layer, line.layer.size());
    shape = std::max(shape, line.shape.size());
    parameters = std::max(parameters, line.parameters.size());
    inputs = std::max(inputs, line.inputs.size());
  }
  std::string table;
  for (std::size_t row = 0; row < lines.size(); ++row) {
    const Line& line = lines[row];
    std::string text = fmt::format("{:<{}}   {:<{}}   {:>{}}   {}", line.layer, layer, line.shape,
                                   shape, line.parameters, parameters, line.inputs);
    text.erase(text.find_last_not_of(' ') + 1);
    table += text + "\n";
    if (row == 0) table += std::string(layer + shape + parameters + inputs + 9, '-') + "\n";
  }
  return table + fmt::format("Total params: {}\n", grouped(parameter_count()));
}

}  // namespace headrace
