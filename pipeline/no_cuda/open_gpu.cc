#include "headrace/pipeline/device.h"
#include "headrace/pipeline/error.h"

namespace headrace {

std::shared_ptr<Device> open_gpu(int) {
  throw Error(ErrorCode::unsupported,
              "headrace was built without CUDA: leave --gpus out to train on the CPU, or build it "
              "where nvcc is found");
}

}  // namespace headrace
