#include "headrace/train/gpu_devices.h"

namespace headrace {

GpuDevices gpu_devices() { return {{}, "headrace was built without CUDA"}; }

}  // namespace headrace
