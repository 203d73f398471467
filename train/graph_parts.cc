#include "headrace/train/graph_parts.h"

#include <algorithm>
#include <map>
#include <utility>

#include "headrace/train/placement.h"

namespace headrace {
namespace {

using NodeId = Graph::NodeId;

class Cutter {
 public:
  Cutter(const Graph& graph, DeviceId usual) : graph_(graph), usual_(usual) {}

  GraphParts run() {
    find_live();
    find_parts();
    for (std::size_t part = 0; part < made_.parts.size(); ++part) build(part);
    find_outputs();
    return std::move(made_);
  }

 private:
  const Graph::Node& node(NodeId id) const { return graph_.nodes()[static_cast<std::size_t>(id)]; }
  NodeId nodes() const { return static_cast<NodeId>(graph_.nodes().size()); }
  bool is_input(NodeId id) const { return node(id).layer < 0; }
  DeviceId device(NodeId id) const { return node(id).device.value_or(usual_); }

  void find_live();
  void find_parts();
  void build(std::size_t part);
  NodeId input_of(std::size_t part, NodeId from);
  std::size_t crossing_of(NodeId from);
  void find_outputs();

  const Graph& graph_;
  DeviceId usual_;
  GraphParts made_;
  std::vector<bool> live_, trained_;  // of each node; trained: it or something before it
  std::vector<std::size_t> part_of_;
  std::map<NodeId, NodeId> local_;  // of the part under construction
  std::map<NodeId, std::size_t> crossings_;
};

void Cutter::find_live() {
  live_.resize(graph_.nodes().size());
  trained_.resize(graph_.nodes().size());
  live_[static_cast<std::size_t>(graph_.output())] = true;
  for (NodeId id = nodes(); id-- > 0;) {
    if (!live_[static_cast<std::size_t>(id)]) continue;
    for (const NodeId from : node(id).inputs) live_[static_cast<std::size_t>(from)] = true;
  }
  for (NodeId id = 0; id < nodes(); ++id) {
    if (is_input(id)) continue;
    const auto& parameters = graph_.layers()[static_cast<std::size_t>(node(id).layer)].parameters;
    bool trained = std::any_of(parameters.begin(), parameters.end(),
                               [](const ParameterSpec& spec) { return spec.trainable; });
    for (const NodeId from : node(id).inputs) {
      trained = trained || trained_[static_cast<std::size_t>(from)];
    }
    trained_[static_cast<std::size_t>(id)] = trained;
  }
}

// A part is what one device computes between as many changes of device: a level.
void Cutter::find_parts() {
  std::vector<int> levels(graph_.nodes().size());
  std::map<std::pair<int, DeviceId>, std::size_t> parts;
  for (NodeId id = 0; id < nodes(); ++id) {
    if (!live_[static_cast<std::size_t>(id)] || is_input(id)) continue;
    int level = 0;
    for (const NodeId from : node(id).inputs) {
      if (is_input(from)) continue;
      const int after = device(from) == device(id) ? 0 : 1;
      level = std::max(level, levels[static_cast<std::size_t>(from)] + after);
    }
    levels[static_cast<std::size_t>(id)] = level;
    parts[{level, device(id)}] = 0;
  }
  for (auto& [key, number] : parts) {
    number = made_.parts.size();
    made_.parts.emplace_back().device = key.second;
  }
  part_of_.resize(graph_.nodes().size());
  for (NodeId id = 0; id < nodes(); ++id) {
    if (!live_[static_cast<std::size_t>(id)] || is_input(id)) continue;
    part_of_[static_cast<std::size_t>(id)] =
        parts.at({levels[static_cast<std::size_t>(id)], device(id)});
  }
}

void Cutter::build(std::size_t number) {
  GraphPart& part = made_.parts[number];
  local_.clear();
  std::map<Graph::LayerId, Graph::LayerId> layers;
  for (NodeId id = 0; id < nodes(); ++id) {
    const auto at = static_cast<std::size_t>(id);
    if (!live_[at] || is_input(id) || part_of_[at] != number) continue;
    std::vector<NodeId> inputs;
    for (const NodeId from : node(id).inputs) inputs.push_back(input_of(number, from));
    const auto& entry = graph_.layers()[static_cast<std::size_t>(node(id).layer)];
    const auto known = layers.find(node(id).layer);
    if (known == layers.end()) {
      local_[id] = part.graph.add(entry.layer, std::move(inputs), entry.name);
      layers[node(id).layer] = static_cast<Graph::LayerId>(part.graph.layers().size() - 1);
    } else {
      local_[id] = part.graph.add_shared(known->second, std::move(inputs));
    }
    part.origin.push_back(id);
    part.layers += (part.layers.empty() ? "" : ", ") + name_of(graph_, id);
    if (id == graph_.output()) part.has_output = true;
  }
  if (part.has_output) part.graph.set_output(local_.at(graph_.output()));
}

// The part's node that has the value of the whole graph's.
NodeId Cutter::input_of(std::size_t number, NodeId from) {
  const auto known = local_.find(from);
  if (known != local_.end()) return known->second;
  GraphPart& part = made_.parts[number];
  const bool crosses = !is_input(from);
  const NodeId made = part.graph.input(
      node(from).shape, crosses ? "#" + std::to_string(from) : node(from).input_name);
  part.origin.push_back(from);
  local_[from] = made;
  if (crosses) {
    const std::size_t crossing = crossing_of(from);
    made_.crossings[crossing].readers.push_back(number);
    part.inputs.push_back({made, crossing});
  }
  return made;
}

std::size_t Cutter::crossing_of(NodeId from) {
  const auto [known, is_new] = crossings_.emplace(from, made_.crossings.size());
  if (is_new) {
    Crossing& crossing = made_.crossings.emplace_back();
    crossing.node = from;
    crossing.shape = node(from).shape;
    crossing.maker = part_of_[static_cast<std::size_t>(from)];
    crossing.needs_gradient = trained_[static_cast<std::size_t>(from)];
  }
  return known->second;
}

void Cutter::find_outputs() {
  for (std::size_t i = 0; i < made_.crossings.size(); ++i) {
    GraphPart& maker = made_.parts[made_.crossings[i].maker];
    const auto at = std::find(maker.origin.begin(), maker.origin.end(), made_.crossings[i].node);
    maker.outputs.push_back({static_cast<NodeId>(at - maker.origin.begin()), i});
  }
}

}  // namespace

GraphParts cut(const Graph& graph, DeviceId usual) { return Cutter(graph, usual).run(); }

}  // namespace headrace
