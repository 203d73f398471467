#include "headrace/train/initial_parameters.h"

#include <cmath>

#include "headrace/pipeline/rng.h"

namespace headrace {
namespace {

std::vector<float> initial_values(const ParameterSpec& spec, Rng rng) {
  std::vector<float> values(static_cast<std::size_t>(spec.shape.elements()));
  switch (spec.initializer) {
    case Initializer::zeros: break;
    case Initializer::ones: values.assign(values.size(), 1.0f); break;
    case Initializer::glorot_uniform: {
      const double limit = std::sqrt(6.0 / static_cast<double>(spec.fan_in + spec.fan_out));
      for (float& value : values) value = static_cast<float>(rng.uniform(-limit, limit));
      break;
    }
  }
  return values;
}

}  // namespace

std::vector<NamedTensor> initial_parameters(const Graph& graph, std::uint64_t seed) {
  std::vector<NamedTensor> tensors;
  std::uint64_t layer = 0;
  for (const Graph::LayerEntry& entry : graph.layers()) {
    const Rng of_layer = Rng(seed, 0).for_sample(layer++);
    for (const ParameterSpec& spec : entry.parameters) {
      const Rng rng = of_layer.for_operation(stream_id("initialize " + spec.name));
      tensors.push_back({entry.name + "/" + spec.name, spec.shape, initial_values(spec, rng)});
    }
  }
  return tensors;
}

}  // namespace headrace
