#include <cuda_bf16.h>

#include <algorithm>

#include "headrace/pipeline/cuda/cuda_handles.h"
#include "headrace/train/cuda/nccl/wire.h"

namespace headrace::cuda {
namespace {

constexpr unsigned threads = 256, most_blocks = 4096;

unsigned blocks_for(std::size_t count) {
  return static_cast<unsigned>(std::min<std::size_t>((count + threads - 1) / threads, most_blocks));
}

__global__ void to_bf16(const float* from, __nv_bfloat16* to, std::size_t count) {
  const std::size_t step = std::size_t{gridDim.x} * threads;
  for (std::size_t i = std::size_t{blockIdx.x} * threads + threadIdx.x; i < count; i += step) {
    to[i] = __float2bfloat16_rn(from[i]);
  }
}

__global__ void to_f32(const __nv_bfloat16* from, float* to, std::size_t count) {
  const std::size_t step = std::size_t{gridDim.x} * threads;
  for (std::size_t i = std::size_t{blockIdx.x} * threads + threadIdx.x; i < count; i += step) {
    to[i] = __bfloat162float(from[i]);
  }
}

}  // namespace

void narrow(const float* from, std::uint16_t* to, std::size_t count, cudaStream_t stream) {
  if (count == 0) return;
  to_bf16<<<blocks_for(count), threads, 0, stream>>>(from, reinterpret_cast<__nv_bfloat16*>(to),
                                                     count);
  check_cuda(cudaGetLastError(), "rounding gradients");
}

void widen(const std::uint16_t* from, float* to, std::size_t count, cudaStream_t stream) {
  if (count == 0) return;
  to_f32<<<blocks_for(count), threads, 0, stream>>>(reinterpret_cast<const __nv_bfloat16*>(from),
                                                    to, count);
  check_cuda(cudaGetLastError(), "widening gradients");
}

}  // namespace headrace::cuda
