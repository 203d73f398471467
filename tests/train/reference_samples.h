#pragma once

#include <cstdint>

#include "headrace/pipeline/rng.h"
#include "headrace/train/graph.h"
#include "headrace/train/reference/reference_model.h"

namespace headrace {

// Normally distributed inputs, as f32 would hold them, and one-hot or soft targets.
inline reference::Samples random_samples(const Graph& graph, std::int64_t rows, bool soft,
                                         std::uint64_t seed) {
  Rng rng(seed, 0);
  reference::Samples samples;
  samples.rows = rows;
  for (const Graph::Node& node : graph.nodes()) {
    if (node.layer >= 0) continue;
    samples.inputs.emplace_back(static_cast<std::size_t>(rows * node.shape.elements()));
    for (double& value : samples.inputs.back()) value = static_cast<float>(rng.normal());
  }
  const auto classes = static_cast<std::size_t>(graph.shape(graph.output()).elements());
  samples.targets.resize(static_cast<std::size_t>(rows) * classes);
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    double* targets = &samples.targets[row * classes];
    targets[rng.below(classes)] = soft ? 0.75 : 1.0;
    if (soft) targets[rng.below(classes)] += 0.25;
  }
  return samples;
}

}  // namespace headrace
