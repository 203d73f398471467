// What a GPU would do, done by the host: the lowering of graphs, the plan of memory and the
// arithmetic of kernels.
#include "gpu_layers.h"

#include "host_engine.h"

namespace headrace {
namespace {

class GpuLayers : public ::testing::TestWithParam<TestModel> {
 protected:
  const Graph& graph() const { return GetParam().graph; }
  EngineBackend backend_{std::make_shared<HostEngine>()};
};

TEST_P(GpuLayers, OutputsAgreeWithTheReference) { check_output(backend_, graph(), 1e-5); }
TEST_P(GpuLayers, LossGradientsAndMovingStatisticsAgreeWithTheReference) {
  check_step(backend_, graph(), 1e-5);
}
TEST_P(GpuLayers, InBf16StepsAreAlmostThoseOfF32) { check_bf16_step(backend_, graph()); }
TEST_P(GpuLayers, TheSameStepGivesTheSameBits) { check_bits(backend_, graph()); }

INSTANTIATE_TEST_SUITE_P(Models, GpuLayers, ::testing::ValuesIn(all_models()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace headrace
