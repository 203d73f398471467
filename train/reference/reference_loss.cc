#include "headrace/train/reference/reference_loss.h"

#include <algorithm>
#include <cmath>

#include "headrace/train/layers/activation.h"

namespace headrace::reference {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

bool is(const Graph& graph, const Graph::Node& node, ActivationKind kind) {
  if (node.layer < 0) return false;
  const auto* activation =
      dynamic_cast<const Activation*>(graph.layers()[at(node.layer)].layer.get());
  return activation != nullptr && activation->function() == kind;
}

}  // namespace

Graph::NodeId loss_node(const Graph& graph, const Loss&) {
  const Graph::Node& output = graph.nodes()[at(graph.output())];
  return is(graph, output, ActivationKind::softmax) ? output.inputs[0] : graph.output();
}

// Cross-entropy of softmax(z).
Values loss_gradient(const Loss&, const Values& z, const Values& targets, std::int64_t rows,
                     std::int64_t global_rows, MetricSums& metrics) {
  Values gradient(z.size());
  const std::size_t classes = rows > 0 ? z.size() / at(rows) : 0;
  for (std::size_t row = 0; row < at(rows); ++row) {
    const double* logits = &z[row * classes];
    const double* t = &targets[row * classes];
    const double top = *std::max_element(logits, logits + classes);
    double sum = 0, total = 0, dot = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      sum += std::exp(logits[c] - top);
      total += t[c];
      dot += t[c] * logits[c];
    }
    const double log_sum = top + std::log(sum);
    metrics.loss += total * log_sum - dot;
    metrics.correct +=
        std::max_element(logits, logits + classes) - logits == std::max_element(t, t + classes) - t;
    metrics.samples += 1;
    for (std::size_t c = 0; c < classes; ++c) {
      gradient[row * classes + c] =
          (std::exp(logits[c] - log_sum) * total - t[c]) / static_cast<double>(global_rows);
    }
  }
  return gradient;
}

}  // namespace headrace::reference
