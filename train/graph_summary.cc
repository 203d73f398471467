#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "headrace/train/graph.h"
#include "headrace/train/placement.h"

namespace headrace {
namespace {

constexpr std::int64_t value_bytes = sizeof(float);

// layer, output shape, parameters, FLOPs, inputs, device
constexpr std::size_t columns = 6;
using Line = std::array<std::string, columns>;
constexpr std::array<char, columns> alignment = {'<', '<', '>', '>', '<', '<'};

std::string grouped(std::int64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string scaled(double number, double step, const std::array<const char*, 5>& units) {
  std::size_t unit = 0;
  for (; number >= step && unit + 1 < units.size(); ++unit) number /= step;
  return fmt::format("{:.{}f} {}", number, unit == 0 ? 0 : 2, units[unit]);
}

std::string bytes(std::int64_t count) {
  return scaled(static_cast<double>(count), 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
}

std::string flops_text(std::int64_t count) {
  return scaled(static_cast<double>(count), 1000, {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"});
}

// Writes the lines of a graph's nodes.
class Table {
 public:
  explicit Table(const Graph& graph) : graph_(graph) {}
  std::string text() const;

 private:
  Line line_of(Graph::NodeId id) const;
  bool is_chain() const;
  bool is_placed() const;

  const Graph& graph_;
};

Line Table::line_of(Graph::NodeId id) const {
  const Graph::Node& node = graph_.nodes()[static_cast<std::size_t>(id)];
  std::string inputs;
  for (Graph::NodeId input : node.inputs)
    inputs += (inputs.empty() ? "" : ", ") + name_of(graph_, input);
  const std::string shape = node.shape.to_string(),
                    device = node.device ? to_string(*node.device) : "";
  if (node.layer < 0) return {node.input_name + " (Input)", shape, "0", "0", inputs, device};

  const Graph::LayerEntry& entry = graph_.layers()[static_cast<std::size_t>(node.layer)];
  std::int64_t count = 0;
  for (const ParameterSpec& parameter : entry.parameters) count += parameter.shape.elements();
  const std::string name = name_of(graph_, id);
  const bool again = name != entry.name && !name.ends_with("[0]");
  return {fmt::format("{} ({})", name, entry.layer->kind()),
          shape,
          again ? "shared" : grouped(count),
          grouped(graph_.flops(id)),
          inputs,
          device};
}

bool Table::is_chain() const {
  for (std::size_t id = 0; id < graph_.nodes().size(); ++id) {
    const auto& inputs = graph_.nodes()[id].inputs;
    if (inputs.size() != (id == 0 ? 0 : 1)) return false;
    if (id > 0 && inputs[0] != static_cast<Graph::NodeId>(id - 1)) return false;
  }
  return true;
}

bool Table::is_placed() const {
  return std::any_of(graph_.nodes().begin(), graph_.nodes().end(),
                     [](const Graph::Node& node) { return node.device.has_value(); });
}

std::string Table::text() const {
  std::vector<Line> lines{
      {"Layer (type)", "Output shape", "Param #", "FLOPs", "Connected to", "Device"}};
  for (std::size_t id = 0; id < graph_.nodes().size(); ++id) {
    lines.push_back(line_of(static_cast<Graph::NodeId>(id)));
  }
  const std::array<bool, columns> shown = {true, true, true, true, !is_chain(), is_placed()};
  std::array<std::size_t, columns> widths{};
  for (std::size_t column = 0; column < columns; ++column) {
    for (const Line& line : lines) widths[column] = std::max(widths[column], line[column].size());
  }
  std::string table;
  for (std::size_t row = 0; row < lines.size(); ++row) {
    std::string text;
    for (std::size_t column = 0; column < columns; ++column) {
      if (!shown[column]) continue;
      const std::string& cell = lines[row][column];
      const std::string space(widths[column] - cell.size(), ' ');
      text += column == 0 ? "" : "   ";
      text += alignment[column] == '<' ? cell + space : space + cell;
    }
    const std::size_t width = text.size();
    text.erase(text.find_last_not_of(' ') + 1);
    table += text + "\n";
    if (row == 0) table += std::string(width, '-') + "\n";
  }
  return table;
}

}  // namespace

std::string Graph::summary() const {
  const std::int64_t parameters = parameter_count(), trainable = trainable_parameter_count();
  std::int64_t values = 0;
  for (const Node& node : nodes_) values += node.shape.elements();
  return Table(*this).text() +
         fmt::format(
             "Total params: {} ({})\n"
             "Trainable params: {} ({})\n"
             "Non-trainable params: {} ({})\n"
             "Forward pass: {} a sample\n"
             "Values of all layers: {} a sample, and as much for their gradients in training\n",
             grouped(parameters), bytes(parameters * value_bytes), grouped(trainable),
             bytes(trainable * value_bytes), grouped(parameters - trainable),
             bytes((parameters - trainable) * value_bytes), flops_text(flops()),
             bytes(values * value_bytes));
}

}  // namespace headrace
