#pragma once

#include <cstdint>

#include "headrace/train/graph.h"
#include "headrace/train/loss.h"
#include "headrace/train/reference/reference_layers.h"

namespace headrace::reference {

// Where the loss looks: at the graph's output, or at what its last activation is made of, if the
// loss is computed from that.
Graph::NodeId loss_node(const Graph& graph, const Loss& loss);

// Adds the rows' losses to `metrics`; the gradient of their sum divided by `global_rows`. The
// values are logits if the loss says so, or if it looks before the graph's output.
Values loss_gradient(const Loss& loss, bool of_logits, const Values& z, const Values& targets,
                     std::int64_t rows, std::int64_t global_rows, MetricSums& metrics);

}  // namespace headrace::reference
