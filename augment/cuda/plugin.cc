#include <memory>

#include "headrace/augment/cuda/render_rows.h"
#include "headrace/pipeline/cuda/cuda_device.h"
#include "headrace/pipeline/cuda/interface.h"

// The plugin headrace_cuda_device: all of the feed that needs the CUDA runtime.

extern "C" {

__attribute__((visibility("default"))) int headrace_cuda_device_get_version() {
  return headrace_cuda_device_version;
}

__attribute__((visibility("default"))) headrace::Device* headrace_cuda_device_open(int index) {
  return std::make_unique<headrace::cuda::CudaDevice>(index, headrace::cuda::render_rows).release();
}
}
