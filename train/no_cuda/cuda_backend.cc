#include "headrace/pipeline/error.h"
#include "headrace/train/backend.h"
#include "headrace/train/gpu_devices.h"

namespace headrace {

std::unique_ptr<Backend> make_cuda_backend(int) {
  throw Error(
      ErrorCode::unsupported,
      "headrace was built without CUDA: it trains on the CPU alone (for a GPU, nvcc, cuDNN 9 "
      "and cudnn-frontend, which script/setup fetches, must be there when it is built)");
}

std::vector<GpuLibrary> gpu_libraries() { return {}; }

}  // namespace headrace
