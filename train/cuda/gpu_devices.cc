#include "headrace/train/gpu_devices.h"

#include <cuda_runtime_api.h>

namespace headrace {

GpuDevices gpu_devices() {
  int count = 0;
  if (const cudaError_t status = cudaGetDeviceCount(&count); status != cudaSuccess) {
    return {{}, cudaGetErrorString(status)};
  }
  GpuDevices found;
  for (int index = 0; index < count; ++index) {
    cudaDeviceProp properties{};
    if (const cudaError_t status = cudaGetDeviceProperties(&properties, index);
        status != cudaSuccess) {
      return {{}, cudaGetErrorString(status)};
    }
    found.devices.push_back(
        {properties.name, properties.totalGlobalMem, properties.major, properties.minor});
  }
  if (found.devices.empty()) found.reason = "no NVIDIA GPU was found";
  return found;
}

}  // namespace headrace
