#include "headrace/train/initial_parameters.h"

#include "headrace/pipeline/rng.h"
#include "headrace/train/initializer.h"

namespace headrace {
std::vector<NamedTensor> initial_parameters(const Graph& graph, std::uint64_t seed) {
  std::vector<NamedTensor> tensors;
  std::uint64_t layer = 0;
  for (const Graph::LayerEntry& entry : graph.layers()) {
    const Rng of_layer = Rng(seed, 0).for_sample(layer++);
    for (const ParameterSpec& spec : entry.parameters) {
      const Rng rng = of_layer.for_operation(stream_id("initialize " + spec.name));
      tensors.push_back({entry.name + "/" + spec.name, spec.shape,
                         initial_values(spec.initializer, spec.shape, rng)});
    }
  }
  return tensors;
}

}  // namespace headrace
