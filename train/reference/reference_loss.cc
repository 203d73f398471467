#include "headrace/train/reference/reference_loss.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "headrace/train/layers/activation.h"

namespace headrace::reference {
namespace {

using Row = std::span<const double>;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

ActivationKind last_activation(const Graph& graph) {
  const Graph::Node& output = graph.nodes()[at(graph.output())];
  if (output.layer < 0) return ActivationKind::linear;
  const auto* activation =
      dynamic_cast<const Activation*>(graph.layers()[at(output.layer)].layer.get());
  return activation != nullptr ? activation->function() : ActivationKind::linear;
}

std::size_t largest(Row values) {
  return at(std::max_element(values.begin(), values.end()) - values.begin());
}

double clipped(double probability) { return std::clamp(probability, 1e-7, 1 - 1e-7); }
bool is_clipped(double probability) { return probability != clipped(probability); }

// Each returns a row's loss and writes its gradient.
double softmax_crossentropy(Row z, Row t, std::span<double> gradient) {
  const double top = *std::max_element(z.begin(), z.end());
  double sum = 0, total = 0, dot = 0;
  for (std::size_t c = 0; c < z.size(); ++c) {
    sum += std::exp(z[c] - top);
    total += t[c];
    dot += t[c] * z[c];
  }
  const double log_sum = top + std::log(sum);
  for (std::size_t c = 0; c < z.size(); ++c) gradient[c] = std::exp(z[c] - log_sum) * total - t[c];
  return total * log_sum - dot;
}

double crossentropy_of_probabilities(Row p, Row t, std::span<double> gradient) {
  double sum = 0, loss = 0, share = 0;
  for (const double value : p) sum += value;
  for (std::size_t c = 0; c < p.size(); ++c) {
    loss -= t[c] * std::log(clipped(p[c] / sum));
    if (!is_clipped(p[c] / sum)) share += t[c];
  }
  for (std::size_t c = 0; c < p.size(); ++c) {
    gradient[c] = share / sum - (is_clipped(p[c] / sum) ? 0 : t[c] / p[c]);
  }
  return loss;
}

double sigmoid_crossentropy(Row z, Row t, std::span<double> gradient) {
  double loss = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    loss += std::max(z[i], 0.0) - z[i] * t[i] + std::log1p(std::exp(-std::abs(z[i])));
    gradient[i] = 1 / (1 + std::exp(-z[i])) - t[i];
  }
  return loss;
}

double binary_crossentropy_of_probabilities(Row p, Row t, std::span<double> gradient) {
  double loss = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double q = clipped(p[i]);
    loss -= t[i] * std::log(q) + (1 - t[i]) * std::log1p(-q);
    gradient[i] = is_clipped(p[i]) ? 0 : (q - t[i]) / (q * (1 - q));
  }
  return loss;
}

double squared_error(Row y, Row t, std::span<double> gradient) {
  double loss = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    loss += (y[i] - t[i]) * (y[i] - t[i]);
    gradient[i] = 2 * (y[i] - t[i]);
  }
  return loss;
}

// The share of outputs on the target's side of the threshold, or whether the largest is right.
double correct(const Loss& loss, Row z, Row t, bool of_logits) {
  if (loss.kind != LossKind::binary_crossentropy && z.size() > 1) return largest(z) == largest(t);
  double right = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    right += (z[i] > (of_logits ? 0.0 : 0.5)) == (t[i] > 0.5) ? 1 : 0;
  }
  return right / static_cast<double>(z.size());
}

}  // namespace

Graph::NodeId loss_node(const Graph& graph, const Loss& loss) {
  const ActivationKind last = last_activation(graph);
  const bool starts_before =
      (loss.kind == LossKind::categorical_crossentropy && last == ActivationKind::softmax) ||
      (loss.kind == LossKind::binary_crossentropy && last == ActivationKind::sigmoid);
  return starts_before ? graph.nodes()[at(graph.output())].inputs[0] : graph.output();
}

Values loss_gradient(const Loss& loss, bool of_logits, const Values& z, const Values& targets,
                     std::int64_t rows, std::int64_t global_rows, MetricSums& metrics) {
  Values gradient(z.size());
  const std::size_t width = rows > 0 ? z.size() / at(rows) : 0;
  const bool categorical = loss.kind == LossKind::categorical_crossentropy;
  for (std::size_t row = 0; row < at(rows); ++row) {
    const Row values = Row(z).subspan(row * width, width);
    const Row labels = Row(targets).subspan(row * width, width);
    const auto slope = std::span(gradient).subspan(row * width, width);
    Values t(labels.begin(), labels.end());
    const double spread = loss.label_smoothing / (categorical ? static_cast<double>(width) : 2.0);
    for (double& target : t) target = target * (1 - loss.label_smoothing) + spread;
    double each = 1;
    double sum = 0;
    if (categorical) {
      sum = of_logits ? softmax_crossentropy(values, t, slope)
                      : crossentropy_of_probabilities(values, t, slope);
    } else {
      each = static_cast<double>(width);
      sum = loss.kind == LossKind::mean_squared_error ? squared_error(values, t, slope)
            : of_logits                               ? sigmoid_crossentropy(values, t, slope)
                        : binary_crossentropy_of_probabilities(values, t, slope);
    }
    for (double& value : slope) value /= each * static_cast<double>(global_rows);
    metrics.loss += sum / each;
    metrics.correct += correct(loss, values, labels, of_logits);
    metrics.samples += 1;
  }
  return gradient;
}

}  // namespace headrace::reference
