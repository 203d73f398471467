#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace headrace {

struct GpuDevice {
  std::string name;
  std::size_t memory_bytes = 0;
  int compute_major = 0;  // compute capability major.minor
  int compute_minor = 0;
};

// The NVIDIA GPUs this process can use, and if there are none, why. Never throws for want of a
// device or driver.
struct GpuDevices {
  std::vector<GpuDevice> devices;
  std::string reason;  // empty if there are devices
};

GpuDevices gpu_devices();

// A library that GPUs are trained by, and its version, as this was built with: "cuDNN", "9.19.0".
struct GpuLibrary {
  std::string name;
  std::string version;
};
// Empty if headrace was built without training on GPUs.
std::vector<GpuLibrary> gpu_libraries();

}  // namespace headrace
