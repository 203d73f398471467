#include "headrace/train/placement.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

struct Rule {
  std::string layer;
  DeviceId device;
};

std::vector<Rule> rules_of(std::string_view text) {
  std::vector<Rule> rules;
  while (!trimmed(text).empty()) {
    const std::string_view rule = text.substr(0, text.find(','));
    text.remove_prefix(std::min(rule.size() + 1, text.size()));
    const auto equals = rule.find('=');
    const std::string layer(trimmed(rule.substr(0, equals)));
    if (equals == std::string_view::npos || layer.empty()) {
      fail("'" + std::string(trimmed(rule)) + "' is no placement: write LAYER=cpu:1");
    }
    try {
      rules.push_back({layer, parse_device_id(trimmed(rule.substr(equals + 1)))});
    } catch (const Error& error) {
      throw error.with_context("layer " + layer);
    }
  }
  return rules;
}

bool fits(const std::string& rule, const Graph& graph, Graph::NodeId id) {
  const Graph::LayerId layer = graph.nodes()[static_cast<std::size_t>(id)].layer;
  if (layer < 0) return false;
  const std::string& name = graph.layers()[static_cast<std::size_t>(layer)].name;
  if (rule.ends_with('*')) return name.starts_with(rule.substr(0, rule.size() - 1));
  return rule == name || rule == name_of(graph, id);
}

std::string some_layers(const Graph& graph) {
  constexpr std::size_t most = 8;
  std::string names;
  for (std::size_t i = 0; i < graph.layers().size() && i < most; ++i) {
    names += (i == 0 ? "" : ", ") + graph.layers()[i].name;
  }
  return names + (graph.layers().size() > most ? ", ..." : "");
}

}  // namespace

std::string name_of(const Graph& graph, Graph::NodeId id) {
  const Graph::Node& node = graph.nodes()[static_cast<std::size_t>(id)];
  if (node.layer < 0) return node.input_name;
  const auto same = [&](const Graph::Node& other) { return other.layer == node.layer; };
  const auto& nodes = graph.nodes();
  const std::string& name = graph.layers()[static_cast<std::size_t>(node.layer)].name;
  if (std::count_if(nodes.begin(), nodes.end(), same) == 1) return name;
  return name + "[" + std::to_string(std::count_if(nodes.begin(), nodes.begin() + id, same)) + "]";
}

Graph place(Graph graph, std::string_view placement) {
  const std::vector<Rule> rules = rules_of(placement);
  if (rules.empty()) return graph;
  std::vector<bool> used(rules.size());
  for (Graph::NodeId id = 0; id < static_cast<Graph::NodeId>(graph.nodes().size()); ++id) {
    const Graph::Node& node = graph.nodes()[static_cast<std::size_t>(id)];
    if (node.layer < 0) continue;
    std::optional<DeviceId> device = node.device;
    if (!device) device = graph.nodes()[static_cast<std::size_t>(node.inputs.at(0))].device;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (!fits(rules[i].layer, graph, id)) continue;
      device = rules[i].device;
      used[i] = true;
    }
    graph.place(id, device);
  }
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (used[i]) continue;
    fail("the model has no layer " + rules[i].layer + " to place on " + to_string(rules[i].device) +
         "; it has " + some_layers(graph));
  }
  return graph;
}

Graph without_placement(Graph graph) {
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    graph.place(static_cast<Graph::NodeId>(id), std::nullopt);
  }
  return graph;
}

std::vector<DeviceId> devices_of(const Graph& graph, DeviceId usual) {
  std::set<DeviceId> devices;
  const auto& nodes = graph.nodes();
  std::vector<bool> live(nodes.size());
  live[static_cast<std::size_t>(graph.output())] = true;
  for (std::size_t id = nodes.size(); id-- > 0;) {
    if (!live[id] || nodes[id].layer < 0) continue;
    devices.insert(nodes[id].device.value_or(usual));
    for (const Graph::NodeId input : nodes[id].inputs) live[static_cast<std::size_t>(input)] = true;
  }
  return {devices.begin(), devices.end()};
}

}  // namespace headrace
