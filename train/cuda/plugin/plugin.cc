// The plugin headrace_cuda: a GPU, by cuDNN and cuBLASLt.
#include "headrace/train/cuda/interface.h"
#include "headrace/train/cuda/plugin/convolutions.h"
#include "headrace/train/cuda/plugin/cuda_engine.h"

#define HEADRACE_PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))

HEADRACE_PLUGIN_EXPORT int headrace_cuda_get_version() { return headrace::headrace_cuda_version; }

HEADRACE_PLUGIN_EXPORT headrace::gpu::Engine* headrace_cuda_open(int device, const char* choices) {
  return new headrace::cuda::CudaEngine(device, choices);
}

// C++ goes over this border: both sides come from one compiler.
HEADRACE_PLUGIN_EXPORT void headrace_cuda_support(const headrace::gpu::Convolution& convolution,
                                                  const std::string& device,
                                                  headrace::cuda::Support& support) {
  support = headrace::cuda::support_of(convolution, device);
}
