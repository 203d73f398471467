#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "headrace/train/backend.h"

namespace headrace {

// What Plan::find_non_finite() answers, for any backend: looks at the input's fields, the
// parameters, and the output of each layer in the graph's order, as for inference, then at
// `gradients`, of parameters in the graph's order. `compile` makes a plan for inference of so many
// rows.
std::string find_non_finite(
    const Graph& graph, std::span<const NamedTensor> parameters,
    std::span<const NamedTensor> gradients, const StepInput& input, const std::string& label_field,
    const std::function<std::unique_ptr<Plan>(const Graph& graph, std::int64_t rows)>& compile);

}  // namespace headrace
