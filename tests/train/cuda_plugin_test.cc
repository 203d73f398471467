// What of the CUDA backend can be looked at without a GPU.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../support/error_matcher.h"
#include "headrace/pipeline/plugin.h"
#include "headrace/train/backend.h"
#include "headrace/train/cuda/interface.h"
#include "headrace/train/gpu/gpu_plan.h"
#include "headrace/train/gpu_devices.h"
#include "headrace/train/models/model_registry.h"
#include "layer_models.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;

// An H200, as cuDNN describes devices.
constexpr const char* h200 = R"({"maxGridSize": [2147483647, 65535, 65535],
  "maxBlockSize": [1024, 1024, 64], "deviceVer": 900, "multiProcessorCount": 132,
  "regsPerBlock": 65536, "smClockRateKHz": 1980000, "memClockRateKHz": 3201000,
  "l2CacheSize": 62914560, "warpSize": 32, "maxSharedMemoryPerBlock": 49152,
  "maxSharedMemoryPerBlockOptin": 232448, "reservedSharedMemoryPerBlock": 1024,
  "maxRegistersPerSM": 65536, "pciDeviceId": 0, "maxCtasPerSM": 32, "maxThreadsPerBlock": 1024,
  "maxThreadsPerSM": 2048, "driverVer": 13000, "isTccDriver": 0, "supportCoopLaunch": 1,
  "totalGlobalMem": 150754820096, "cudaDeviceId": 0, "deviceName": "NVIDIA H200"})";

// What a plan asks cuDNN to compute.
class Listener : public gpu::Engine {
 public:
  std::string name() const override { return "listener"; }
  std::shared_ptr<std::byte> allocate(std::size_t bytes, const char*) override {
    return {new std::byte[bytes + 1], std::default_delete<std::byte[]>()};
  }
  std::size_t free_bytes() const override { return std::size_t{1} << 40; }
  void copy_in(void*, const void*, std::size_t) override {}
  void copy_out(void*, const void*, std::size_t) override {}
  std::unique_ptr<gpu::Reading> make_reading(std::size_t) override { return {}; }
  void clear(void*, std::size_t) override {}
  void wait() override {}
  void run(const gpu::EachKernel&) override {}
  void run(const gpu::ColumnKernel&) override {}
  void run(const gpu::SegmentKernel&) override {}
  void run(const gpu::Product&) override {}
  void run(const gpu::Convolution& convolution) override { convolutions.push_back(convolution); }
  std::unique_ptr<gpu::Recording> record(const std::function<void()>&) override { return {}; }
  void* stream() override { return nullptr; }

  std::vector<gpu::Convolution> convolutions;
};

// Runs a model's operations on a listener. Nothing is computed.
std::vector<gpu::Convolution> convolutions_of(const Graph& graph, Precision precision,
                                              std::int64_t rows = 4) {
  const cpu::ParameterArena arena(graph, cpu::ParameterArena::Layout::images_by_filter);
  const auto program = gpu::make_program(graph, arena, true, cpu::FusedEnd::none, precision);
  Listener listener;
  alignas(256) static std::byte memory[256];
  std::vector<std::byte*> tensors(program.row_bytes.size(), memory);
  gpu::Pass pass{listener};
  pass.rows = rows;
  pass.training = true;
  pass.parameters = pass.gradients = pass.state = reinterpret_cast<float*>(memory);
  pass.halves = reinterpret_cast<std::uint16_t*>(memory);
  pass.tensors = &tensors;
  for (const auto& step : program.steps) {
    step.operation->forward(pass);
    if (step.has_backward) step.operation->backward(pass);
  }
  return listener.convolutions;
}

class CudaPlugin : public ::testing::Test {
 protected:
  cuda::Support support(const gpu::Convolution& convolution, const std::string& device = "") const {
    cuda::Support found;
    support_(convolution, device, found);
    return found;
  }

  Plugin plugin_{"headrace_cuda"};
  headrace_cuda_support_function support_ =
      plugin_.function<headrace_cuda_support_function>("headrace_cuda_support");
};

TEST_F(CudaPlugin, CudnnTakesEveryConvolutionOfEveryModelForSound) {
  EXPECT_EQ(plugin_.function<int (*)()>("headrace_cuda_get_version")(), headrace_cuda_version);
  auto models = layer_models();
  for (const std::string& name : model_names()) {
    const ModelUse use = usual_use(name);
    models.push_back({name, make_model(name, use.input, use.classes)});
  }
  for (const TestModel& model : models) {
    for (const Precision precision : {Precision::f32, Precision::tf32, Precision::bf16}) {
      const auto found = convolutions_of(model.graph, precision);
      for (const auto& convolution : found) {
        const auto told = support(convolution);
        EXPECT_TRUE(told.is_valid) << model.name << ": " << told.reason;
      }
      if (model.name == "mini_googlenet") {
        EXPECT_EQ(found.size(), 3u * 19 - 1);  // the first needs no gradient of its input
      }
    }
  }
}

// cuDNN chooses its engines by a description of the device, which is had without one.
TEST_F(CudaPlugin, AnH200HasEnginesForMiniGoogLeNetThatGiveTheSameBits) {
  const ModelUse use = usual_use("mini_googlenet");
  const Graph graph = make_model("mini_googlenet", use.input, use.classes);
  for (const auto& convolution : convolutions_of(graph, Precision::bf16, 64)) {
    const auto told = support(convolution, h200);
    EXPECT_TRUE(told.has_engine && told.same_bits) << told.reason;
  }
}

TEST(CudaBackend, WithoutAGpuTheReasonIsSaid) {
  if (!gpu_devices().devices.empty()) GTEST_SKIP() << "there is a GPU";
  EXPECT_THAT(
      [] { make_cuda_backend(); },
      throws_error(ErrorCode::unsupported, HasSubstr("leave --gpus out to train on the CPU")));
}

}  // namespace
}  // namespace headrace
