// The plugin headrace_nccl: sums over GPUs, by NCCL.
#include "headrace/train/cuda/nccl/interface.h"
#include "headrace/train/cuda/nccl/nccl_link.h"

#define HEADRACE_PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))

HEADRACE_PLUGIN_EXPORT int headrace_nccl_get_version() { return headrace::headrace_nccl_version; }

HEADRACE_PLUGIN_EXPORT headrace::DeviceLink* headrace_nccl_open(int device, void* stream,
                                                                bool in_bf16) {
  return new headrace::cuda::NcclLink(device, static_cast<cudaStream_t>(stream), in_bf16);
}
