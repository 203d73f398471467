#pragma once

#include <cstdint>
#include <vector>

#include "headrace/train/graph.h"
#include "headrace/train/tensor.h"

namespace headrace {

// Initial values of all parameters ("conv2d/kernel", ...), in the graph's order, drawn by Philox
// from (seed, number of the layer, name of the parameter): the same for every backend.
std::vector<NamedTensor> initial_parameters(const Graph& graph, std::uint64_t seed);

}  // namespace headrace
