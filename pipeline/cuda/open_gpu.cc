#include "headrace/pipeline/cuda/interface.h"
#include "headrace/pipeline/device.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/plugin.h"

namespace headrace {

std::shared_ptr<Device> open_gpu(int index) {
  const Plugin plugin("headrace_cuda_device");
  const auto version = plugin.function<headrace_cuda_device_get_version_function>(
      "headrace_cuda_device_get_version");
  if (version() != headrace_cuda_device_version) {
    throw Error(ErrorCode::unsupported,
                "the plugin headrace_cuda_device is of another version: install the one that came "
                "with this program");
  }
  const auto open =
      plugin.function<headrace_cuda_device_open_function>("headrace_cuda_device_open");
  return std::shared_ptr<Device>(open(index));
}

}  // namespace headrace
