#include "headrace/train/find_non_finite.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

// The first of the rows that holds a value that is not finite.
std::optional<std::int64_t> bad_row(std::span<const float> values, std::int64_t rows) {
  const std::size_t width = rows > 0 ? values.size() / static_cast<std::size_t>(rows) : 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    if (!all_finite(values.subspan(static_cast<std::size_t>(row) * width, width))) return row;
  }
  return std::nullopt;
}

// Nothing of one that lies on a GPU alone.
std::optional<FieldView> on_host(const Batch& batch, const std::string& name) {
  try {
    return batch.field(name);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string in_field(const StepInput& input, const std::string& name) {
  if (!input.batch->spec().has(name)) return "";
  const auto field = on_host(*input.batch, name);
  if (!field || field->spec->type != ElementType::f32) return "";
  const auto width = static_cast<std::size_t>(field->spec->elements());
  const auto rows = field->as<float>().subspan(static_cast<std::size_t>(input.first) * width,
                                               static_cast<std::size_t>(input.rows) * width);
  const auto row = bad_row(rows, input.rows);
  return row ? "the batch's field " + name + ", row " + std::to_string(input.first + *row) : "";
}

// Backward goes from the last layer to the first, and what is not finite stays so on the way.
std::string in_gradients(std::span<const NamedTensor> gradients) {
  for (std::size_t i = gradients.size(); i-- > 0;) {
    if (all_finite(gradients[i].values)) continue;
    const std::string& name = gradients[i].name;
    return "the gradients of layer " + name.substr(0, name.find('/'));
  }
  return "";
}

// Whether each node leads to the output.
std::vector<bool> live_nodes(const Graph& graph) {
  std::vector<bool> live(graph.nodes().size());
  live[static_cast<std::size_t>(graph.output())] = true;
  for (std::size_t id = live.size(); id-- > 0;) {
    if (!live[id]) continue;
    for (const auto input : graph.nodes()[id].inputs) live[static_cast<std::size_t>(input)] = true;
  }
  return live;
}

}  // namespace

std::string find_non_finite(
    const Graph& graph, std::span<const NamedTensor> parameters,
    std::span<const NamedTensor> gradients, const StepInput& input, const std::string& label_field,
    const std::function<std::unique_ptr<Plan>(const Graph& graph, std::int64_t rows)>& compile) {
  // Gradients are those of all rows, of other ranks too.
  if (input.rows == 0) return in_gradients(gradients);
  for (const Graph::Node& node : graph.nodes()) {
    if (node.layer >= 0) continue;
    if (auto found = in_field(input, node.input_name); !found.empty()) return found;
  }
  if (auto found = in_field(input, label_field); !found.empty()) return found;
  for (const NamedTensor& tensor : parameters) {
    if (!all_finite(tensor.values)) return "the parameter " + tensor.name;
  }

  const auto output_of = [&](Graph::NodeId node, const StepInput& rows) {
    Graph part = graph;
    part.set_output(node);
    const auto plan = compile(part, rows.rows);
    plan->set_parameters(parameters);
    std::vector<float> output(static_cast<std::size_t>(rows.rows * graph.shape(node).elements()));
    plan->predict(rows, output);
    return output;
  };
  // One row that shows it is enough, and sooner done.
  StepInput rows = input;
  if (const auto row = bad_row(output_of(graph.output(), input), input.rows)) {
    rows.first += *row;
    rows.global_first += *row;
    rows.rows = 1;
  }
  const std::vector<bool> live = live_nodes(graph);
  for (std::size_t id = 0; id < live.size(); ++id) {
    const Graph::Node& node = graph.nodes()[id];
    if (!live[id] || node.layer < 0) continue;
    const auto row = bad_row(output_of(static_cast<Graph::NodeId>(id), rows), rows.rows);
    if (!row) continue;
    return "the output of layer " + graph.layers()[static_cast<std::size_t>(node.layer)].name +
           ", row " + std::to_string(rows.first + *row) + " of the batch";
  }
  return in_gradients(gradients);
}

}  // namespace headrace
