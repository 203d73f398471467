#pragma once

#include <cuda_runtime_api.h>

#include <cstdlib>
#include <string>

#include "headrace/pipeline/cuda/cuda_handles.h"
#include "headrace/pipeline/error.h"

namespace headrace::cuda {

inline std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// Makes GPU `index` ready for this thread. Throws Error{unsupported}, one line that says what to
// do, where there is no driver, one that is too old, or no such GPU.
inline void require_gpu(int index) {
  const auto refuse = [](const std::string& why) { throw Error(ErrorCode::unsupported, why); };
  int driver = 0;
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  if (driver == 0) {
    refuse("no NVIDIA driver was found: install one for CUDA " + version_text(runtime) +
           ", or leave --gpus out to train on the CPU");
  }
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorInsufficientDriver) {
    refuse("the NVIDIA driver is too old: it knows CUDA " + version_text(driver) + ", and " +
           version_text(runtime) + " is needed; install a newer one");
  }
  const char* const visible = std::getenv("CUDA_VISIBLE_DEVICES");
  const std::string chosen =
      visible == nullptr ? "" : " (CUDA_VISIBLE_DEVICES=" + std::string(visible) + ")";
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0)) {
    refuse("no NVIDIA GPU was found" + chosen + ": leave --gpus out to train on the CPU");
  }
  check_cuda(status, "looking for GPUs");
  if (index < 0 || index >= count) {
    refuse("there is no GPU " + std::to_string(index) + ": this process sees " +
           std::to_string(count) + chosen);
  }
  check_cuda(cudaSetDevice(index), "choosing a GPU");
  // The first call that needs the GPU itself: it may be in use, or in another mode.
  check_cuda(cudaFree(nullptr), "starting the GPU");
}

}  // namespace headrace::cuda
