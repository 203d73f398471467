#include <cublas_api.h>
#include <cuda_runtime_api.h>
#include <cudnn_version.h>

#include <memory>
#include <string>
#include <utility>

#include "headrace/pipeline/cuda/choose_gpu.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/plugin.h"
#include "headrace/train/backend.h"
#include "headrace/train/cuda/interface.h"
#include "headrace/train/gpu/choice_cache.h"
#include "headrace/train/gpu/gpu_plan.h"
#include "headrace/train/gpu_devices.h"

namespace headrace {
namespace {

class CudaBackend : public Backend {
 public:
  explicit CudaBackend(std::shared_ptr<gpu::Engine> engine) : engine_(std::move(engine)) {}
  std::string name() const override { return "cuda (" + engine_->name() + ")"; }
  std::unique_ptr<Plan> compile(const Graph& graph, const PlanOptions& options) override {
    return std::make_unique<gpu::GpuPlan>(engine_, graph, options);
  }

 private:
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
  const Plugin plugin("headrace_cuda");
  if (plugin.function<int (*)()>("headrace_cuda_get_version")() != headrace_cuda_version) {
    throw Error(ErrorCode::unsupported,
                "the plugin headrace_cuda is of another version: install the one that came with "
                "this program");
  }
  const auto open = plugin.function<headrace_cuda_open_function>("headrace_cuda_open");
  const auto choices = gpu::ChoiceCache::usual_place("cuda-choices");
  return std::make_unique<CudaBackend>(std::shared_ptr<gpu::Engine>(open(device, choices.c_str())));
}

}  // namespace headrace
