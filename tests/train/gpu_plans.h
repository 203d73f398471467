#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "cpu_plans.h"
#include "headrace/train/backend.h"

// Plans of any backend, with parameters to test them with.
namespace headrace {

inline std::unique_ptr<Plan> compile_on(Backend& backend, const Graph& graph,
                                        const PlanOptions& options) {
  auto plan = backend.compile(graph, options);
  plan->set_parameters(random_parameters(graph));
  return plan;
}

// As gradients_of(), of a plan whose last step was that one: by a step of plain gradient descent
// with rate 1, which the plan was compiled for.
inline std::vector<NamedTensor> taken_gradients(Plan& plan, const Graph& graph) {
  auto tensors = plan.parameters();
  std::size_t index = 0;
  for (const auto& entry : graph.layers()) {
    for (const auto& spec : entry.parameters) {
      if (spec.trainable) {
        std::fill(tensors[index].values.begin(), tensors[index].values.end(), 0.0f);
      }
      ++index;
    }
  }
  plan.set_parameters(tensors);
  plan.update(1.0, 1);
  tensors = plan.parameters();
  for (auto& tensor : tensors) {
    for (float& value : tensor.values) value = -value;
  }
  return tensors;
}

}  // namespace headrace
