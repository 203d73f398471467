#include <algorithm>
#include <string>
#include <variant>

#include "headrace/pipeline/cuda/cuda_handles.h"
#include "headrace/train/cuda/plugin/launch.h"

namespace headrace::cuda {
namespace {

constexpr int threads = 256;
constexpr std::int64_t most_blocks = 1 << 16;

template <class Kernel>
__global__ void __launch_bounds__(threads) each(const Kernel kernel, const std::int64_t items) {
  const std::int64_t step = std::int64_t{gridDim.x} * threads;
  for (std::int64_t item = std::int64_t{blockIdx.x} * threads + threadIdx.x; item < items;
       item += step) {
    kernel(static_cast<std::uint32_t>(item));
  }
}

}  // namespace

void launch(const gpu::EachKernel& kernel, cudaStream_t stream) {
  std::visit(
      [&](const auto& one) {
        const std::int64_t items = one.items();
        if (items == 0) return;
        if (items > (std::int64_t{1} << 32)) {
          throw Error(ErrorCode::unsupported,
                      "a tensor of more than 2^32 values: take a smaller batch");
        }
        const auto blocks = static_cast<unsigned>(
            std::min<std::int64_t>((items + threads - 1) / threads, most_blocks));
        each<<<blocks, threads, 0, stream>>>(one, items);
        check_cuda(cudaGetLastError(), "starting a kernel");
      },
      kernel);
}

void check_kernels() {
  cudaFuncAttributes attributes{};
  const cudaError_t status = cudaFuncGetAttributes(&attributes, each<gpu::Halve>);
  if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorInvalidDeviceFunction) {
    cudaGetLastError();
    throw Error(
        ErrorCode::unsupported,
        "this build has no code for this GPU: build it with CMAKE_CUDA_ARCHITECTURES set to "
        "its compute capability (headrace info shows it)");
  }
  check_cuda(status, "looking for kernels");
}

}  // namespace headrace::cuda
