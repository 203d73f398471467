#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/slot_pool.h"
#include "headrace/train/backend.h"
#include "headrace/train/initial_parameters.h"
#include "headrace/train/reference/reference_model.h"

// Plans of the CPU backend with parameters to test them with, and what to compare.
namespace headrace {

// Initial values, with biases that are not zero.
inline std::vector<NamedTensor> random_parameters(const Graph& graph) {
  auto tensors = initial_parameters(graph, 3);
  Rng rng(4, 0);
  for (auto& tensor : tensors) {
    for (float& value : tensor.values) value += static_cast<float>(0.1 * rng.normal());
    if (!tensor.name.ends_with("moving_variance")) continue;
    for (float& value : tensor.values) value = std::abs(value) + 0.1f;
  }
  return tensors;
}

inline StepInput whole(const Batch& batch) {
  StepInput input;
  input.batch = &batch;
  input.rows = input.global_rows = batch.size();
  input.seed = 5;
  input.step = 6;
  return input;
}

inline std::unique_ptr<Plan> compile(const Graph& graph, PlanOptions options) {
  auto plan = make_cpu_backend()->compile(graph, options);
  plan->set_parameters(random_parameters(graph));
  return plan;
}

// The parameters' gradients, by a step of plain gradient descent with rate 1. Of parameters that no
// gradient trains: minus what the step made of them.
inline std::vector<NamedTensor> gradients_of(const Graph& graph, const PlanOptions& like,
                                             const StepInput& input,
                                             Plan::StatisticsReducer reducer = {}) {
  PlanOptions options = like;
  options.optimizer = Sgd{};
  const auto plan = compile(graph, options);
  plan->set_statistics_reducer(std::move(reducer));
  auto gradients = plan->parameters();
  plan->forward_backward(input);
  // Where weights are zero no digits are lost.
  std::size_t index = 0;
  for (const auto& entry : graph.layers()) {
    for (const auto& spec : entry.parameters) {
      if (spec.trainable) {
        std::fill(gradients[index].values.begin(), gradients[index].values.end(), 0.0f);
      }
      ++index;
    }
  }
  plan->set_parameters(gradients);
  plan->update(1.0, 1);
  gradients = plan->parameters();
  for (auto& tensor : gradients) {
    for (float& value : tensor.values) value = -value;
  }
  return gradients;
}

// Differences are measured against the tensor's norm.
template <class A, class B>
double relative_error(const A& a, const B& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = b[i];
    difference += (x - y) * (x - y);
    norm += y * y;
  }
  return std::sqrt(difference) / std::max(std::sqrt(norm), 1e-12);
}

// A batch of all inputs of the graph, and labels of class indices.
inline Batch make_graph_batch(const Graph& graph, const reference::Samples& samples) {
  BatchSpec spec;
  for (const Graph::Node& node : graph.nodes()) {
    if (node.layer < 0) {
      spec.fields.push_back({node.input_name, ElementType::f32, node.shape.extents()});
    }
  }
  spec.fields.push_back({"label", ElementType::i32, {}});
  SlotPool pool(spec, samples.rows, 1);
  auto slot = pool.try_take();
  const Rows to = slot->rows(samples.rows);
  const auto rows = static_cast<std::size_t>(samples.rows);
  const std::size_t classes = samples.targets.size() / rows;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto number = static_cast<std::int64_t>(row);
    for (std::size_t i = 0; i < samples.inputs.size(); ++i) {
      const std::size_t elements = samples.inputs[i].size() / rows;
      std::copy_n(&samples.inputs[i][row * elements], elements, to.row_as<float>(i, number));
    }
    const double* targets = &samples.targets[row * classes];
    *to.row_as<std::int32_t>(samples.inputs.size(), number) =
        static_cast<std::int32_t>(std::max_element(targets, targets + classes) - targets);
  }
  slot->describe(samples.rows, {0, 0}, {0, samples.rows});
  return pool.lease(std::move(slot));
}

}  // namespace headrace
