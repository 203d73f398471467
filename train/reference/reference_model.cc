#include "headrace/train/reference/reference_model.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "headrace/train/layers/activation.h"

namespace headrace::reference {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

bool is_softmax(const Graph& graph, const Graph::Node& node) {
  if (node.layer < 0) return false;
  const auto* activation =
      dynamic_cast<const Activation*>(graph.layers()[at(node.layer)].layer.get());
  return activation != nullptr && activation->function() == ActivationKind::softmax;
}

// Cross-entropy of softmax(logits); the gradient is that of the mean over rows.
Values cross_entropy(const Values& logits, const Samples& samples, MetricSums& metrics) {
  const std::size_t classes = logits.size() / at(samples.rows);
  Values gradient(logits.size());
  for (std::size_t row = 0; row < at(samples.rows); ++row) {
    const double* z = &logits[row * classes];
    const double* t = &samples.targets[row * classes];
    const double top = *std::max_element(z, z + classes);
    double sum = 0, total = 0, dot = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      sum += std::exp(z[c] - top);
      total += t[c];
      dot += t[c] * z[c];
    }
    const double log_sum = top + std::log(sum);
    metrics.loss += total * log_sum - dot;
    metrics.correct += std::max_element(z, z + classes) - z == std::max_element(t, t + classes) - t;
    metrics.samples += 1;
    for (std::size_t c = 0; c < classes; ++c) {
      gradient[row * classes + c] =
          (std::exp(z[c] - log_sum) * total - t[c]) / double(samples.rows);
    }
  }
  return gradient;
}

}  // namespace

Model::Model(const Graph& graph) : graph_(graph) {
  for (const auto& entry : graph_.layers()) {
    first_parameter_.push_back(parameters_.size());
    for (const auto& spec : entry.parameters) {
      parameters_.emplace_back(at(spec.shape.elements()), 0.0);
    }
  }
}

void Model::set_parameters(std::span<const NamedTensor> tensors) {
  if (tensors.size() != parameters_.size()) throw std::logic_error("reference: other parameters");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    parameters_[i].assign(tensors[i].values.begin(), tensors[i].values.end());
  }
}

Use Model::use_of(std::size_t id, std::int64_t rows, const DropoutStep* dropout) const {
  const Graph::Node& node = graph_.nodes()[id];
  const Graph::LayerEntry& entry = graph_.layers()[at(node.layer)];
  return {entry.layer.get(),
          static_cast<std::int32_t>(id),
          graph_.shape(node.inputs.at(0)),
          node.shape,
          rows,
          std::span(parameters_).subspan(first_parameter_[at(node.layer)], entry.parameters.size()),
          dropout};
}

Result Model::step(const Samples& samples, const std::optional<DropoutStep>& dropout) const {
  const auto& nodes = graph_.nodes();
  const DropoutStep* drop = dropout ? &*dropout : nullptr;
  std::vector<Values> values(nodes.size()), slopes(nodes.size());
  for (std::size_t id = 0; id < nodes.size(); ++id) {
    values[id] = nodes[id].layer < 0
                     ? samples.images
                     : forward(use_of(id, samples.rows, drop), values[at(nodes[id].inputs[0])]);
    slopes[id].assign(values[id].size(), 0.0);
  }

  Result result;
  result.output = values[at(graph_.output())];
  for (const Values& parameter : parameters_) result.gradients.emplace_back(parameter.size(), 0.0);
  std::size_t logits = at(graph_.output());
  if (is_softmax(graph_, nodes[logits])) logits = at(nodes[logits].inputs[0]);
  slopes[logits] = cross_entropy(values[logits], samples, result.metrics);

  for (std::size_t id = logits + 1; id-- > 0;) {
    if (nodes[id].layer < 0) continue;
    const std::size_t input = at(nodes[id].inputs[0]);
    const Use use = use_of(id, samples.rows, drop);
    const auto gradients =
        std::span(result.gradients)
            .subspan(first_parameter_[at(nodes[id].layer)], use.parameters.size());
    const Values slope = backward(use, values[input], values[id], slopes[id], gradients);
    for (std::size_t i = 0; i < slope.size(); ++i) slopes[input][i] += slope[i];
  }
  return result;
}

}  // namespace headrace::reference
