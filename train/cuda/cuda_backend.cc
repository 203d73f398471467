#include <cublas_api.h>
#include <cuda_runtime_api.h>
#include <cudnn_version.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "headrace/pipeline/cuda/choose_gpu.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/plugin.h"
#include "headrace/train/backend.h"
#include "headrace/train/comm/device_communicator.h"
#include "headrace/train/cuda/interface.h"
#include "headrace/train/cuda/nccl/interface.h"
#include "headrace/train/gpu/choice_cache.h"
#include "headrace/train/gpu/gpu_plan.h"
#include "headrace/train/gpu_devices.h"

namespace headrace {
namespace {

Plugin open_plugin(const std::string& name, int expected) {
  Plugin plugin(name);
  if (plugin.function<int (*)()>((name + "_get_version").c_str())() == expected) return plugin;
  throw Error(ErrorCode::unsupported, "the plugin " + name +
                                          " is of another version: install the one that came "
                                          "with this program");
}

class CudaBackend : public Backend {
 public:
  using OpenEngine = std::function<std::shared_ptr<gpu::Engine>()>;
  CudaBackend(int device, OpenEngine open)
      : device_(device), open_(std::move(open)), engine_(open_()) {}
  std::string name() const override { return "cuda (" + engine_->name() + ")"; }
  // Plans are used by a thread each, as engines are.
  std::unique_ptr<Plan> compile(const Graph& graph, const PlanOptions& options) override {
    const bool is_taken = engine_.use_count() > 1;
    return std::make_unique<gpu::GpuPlan>(is_taken ? open_() : engine_, graph, options);
  }
  std::unique_ptr<Communicator> connect(std::unique_ptr<Communicator> processes, Wire wire,
                                        std::chrono::milliseconds deadline) override {
    std::unique_ptr<DeviceLink> link;
    std::string own, why;
    try {
      const Plugin plugin = open_plugin("headrace_nccl", headrace_nccl_version);
      const auto open = plugin.function<headrace_nccl_open_function>("headrace_nccl_open");
      link.reset(open(device_, engine_->stream(), wire == Wire::bf16));
    } catch (const Error& error) {
      own = std::string(": ") + error.what();
    }
    auto made = DeviceCommunicator::make(std::move(processes), std::move(link), deadline, why);
    if (!own.empty() || (!why.empty() && made->rank() == 0)) {
      std::fprintf(stderr, "headrace: gradients go through the host, not by NCCL: %s%s\n",
                   why.c_str(), own.c_str());
    }
    return made;
  }

 private:
  int device_;
  OpenEngine open_;
  std::shared_ptr<gpu::Engine> engine_;
};

std::string dotted(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace

std::vector<GpuLibrary> gpu_libraries() {
  return {{"CUDA", cuda::version_text(CUDART_VERSION)},
          {"cuDNN", dotted(CUDNN_MAJOR, CUDNN_MINOR, CUDNN_PATCHLEVEL)},
          {"cuBLAS", dotted(CUBLAS_VER_MAJOR, CUBLAS_VER_MINOR, CUBLAS_VER_PATCH)}};
}

std::unique_ptr<Backend> make_cuda_backend(int device) {
  cuda::require_gpu(device);
  const Plugin plugin = open_plugin("headrace_cuda", headrace_cuda_version);
  const auto open = plugin.function<headrace_cuda_open_function>("headrace_cuda_open");
  const std::string choices = gpu::ChoiceCache::usual_place("cuda-choices");
  return std::make_unique<CudaBackend>(
      device, [=] { return std::shared_ptr<gpu::Engine>(open(device, choices.c_str())); });
}

}  // namespace headrace
