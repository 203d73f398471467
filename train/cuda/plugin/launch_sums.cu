#include <algorithm>
#include <variant>

#include "headrace/pipeline/cuda/cuda_handles.h"
#include "headrace/train/cuda/plugin/launch.h"

namespace headrace::cuda {
namespace {

constexpr int threads = 256;
constexpr std::int64_t wanted_blocks = 1024;  // enough for every multiprocessor to have several

// How groups and channels are divided: a block has `columns` pieces of a group beside each other,
// and as many groups at once as its threads suffice for.
struct Division {
  std::uint32_t columns = 1;
  unsigned across = 1;  // blocks
  unsigned along = 1;
  std::int64_t groups_of_block = 0;
};

Division divide(std::int64_t groups, std::uint32_t pieces) {
  Division division;
  division.columns = std::min<std::uint32_t>(std::max<std::uint32_t>(pieces, 1), 32);
  division.across = (pieces + division.columns - 1) / division.columns;
  const std::int64_t at_once = threads / division.columns;
  const std::int64_t useful = std::max<std::int64_t>((groups + 4 * at_once - 1) / (4 * at_once), 1);
  const std::int64_t wanted = std::max<std::int64_t>(wanted_blocks / division.across, 1);
  division.groups_of_block = (groups + std::min(useful, wanted) - 1) / std::min(useful, wanted);
  division.groups_of_block = std::max<std::int64_t>(division.groups_of_block, 1);
  division.along =
      static_cast<unsigned>((groups + division.groups_of_block - 1) / division.groups_of_block);
  return division;
}

template <int lanes>
Division divide(const gpu::Pieces<lanes>& pieces) {
  return divide(pieces.groups, pieces.width / lanes);
}

// The sums of a block's groups: parts[channel][block].
template <class Kernel, int lanes>
__global__ void __launch_bounds__(threads)
    sum_parts(const Kernel kernel, const gpu::Pieces<lanes> pieces, const Division division,
              float2* parts) {
  const std::uint32_t column = threadIdx.x % division.columns;
  const std::uint32_t line = threadIdx.x / division.columns;
  const std::uint32_t lines = threads / division.columns;
  const std::uint32_t first = (blockIdx.x * division.columns + column) * lanes;
  const bool works = first < pieces.width && line < lines;
  gpu::Values<lanes> a{}, b{};
  if (works) {
    const std::int64_t begin = blockIdx.y * division.groups_of_block;
    const std::int64_t end = min(begin + division.groups_of_block, pieces.groups);
    for (std::int64_t group = begin + line; group < end; group += lines) {
      kernel(group, first, a, b);
    }
  }
  __shared__ float2 shared[lanes][threads];
  for (int i = 0; i < lanes; ++i) shared[i][threadIdx.x] = make_float2(a.at[i], b.at[i]);
  __syncthreads();
  if (!works || line != 0) return;
  for (int i = 0; i < lanes; ++i) {
    float2 sum = shared[i][column];
    for (std::uint32_t l = 1; l < lines; ++l) {
      const float2 more = shared[i][l * division.columns + column];
      sum.x += more.x;
      sum.y += more.y;
    }
    parts[std::int64_t{first + static_cast<std::uint32_t>(i)} * gridDim.y + blockIdx.y] = sum;
  }
}

// Halves what is to be added up until one value is left: the same order whenever it is done.
__device__ double sum_of_block(double value, double* shared) {
  shared[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
    __syncthreads();
  }
  const double sum = shared[0];
  __syncthreads();
  return sum;
}

constexpr int finish_threads = 128;

template <class Kernel>
__global__ void __launch_bounds__(finish_threads)
    finish(const Kernel kernel, const unsigned count, const float2* parts) {
  __shared__ double shared[finish_threads];
  double a = 0, b = 0;
  for (unsigned i = threadIdx.x; i < count; i += finish_threads) {
    const float2 part = parts[std::int64_t{blockIdx.x} * count + i];
    a += static_cast<double>(part.x);
    b += static_cast<double>(part.y);
  }
  a = sum_of_block(a, shared);
  b = sum_of_block(b, shared);
  if (threadIdx.x == 0) kernel.finish(blockIdx.x, a, b);
}

template <class Kernel>
__global__ void __launch_bounds__(threads) sum_segment(const Kernel kernel) {
  __shared__ double shared[threads];
  const std::int64_t size = kernel.size(blockIdx.x);
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < size; i += threads) sum += kernel(blockIdx.x, i);
  sum = sum_of_block(sum, shared);
  if (threadIdx.x == 0) kernel.finish(blockIdx.x, sum);
}

template <class Kernel, int lanes>
void launch_sums(const Kernel& kernel, const gpu::Pieces<lanes>& pieces, void* scratch,
                 cudaStream_t stream) {
  const Division division = divide(pieces);
  auto* const parts = static_cast<float2*>(scratch);
  const dim3 blocks(division.across, division.along);
  sum_parts<Kernel, lanes><<<blocks, threads, 0, stream>>>(kernel, pieces, division, parts);
  finish<Kernel><<<pieces.width, finish_threads, 0, stream>>>(kernel, division.along, parts);
  check_cuda(cudaGetLastError(), "starting a sum");
}

}  // namespace

std::size_t scratch_bytes(const gpu::ColumnKernel& kernel) {
  return std::visit(
      [](const auto& one) {
        return std::size_t{one.pieces.width} * divide(one.pieces).along * sizeof(float2);
      },
      kernel);
}

void launch(const gpu::ColumnKernel& kernel, void* scratch, cudaStream_t stream) {
  std::visit(
      [&](const auto& one) {
        if (one.pieces.groups > 0) launch_sums(one, one.pieces, scratch, stream);
      },
      kernel);
}

void launch(const gpu::SegmentKernel& kernel, cudaStream_t stream) {
  std::visit(
      [&](const auto& one) {
        if (one.segments() == 0) return;
        using Kernel = std::decay_t<decltype(one)>;
        sum_segment<Kernel><<<static_cast<unsigned>(one.segments()), threads, 0, stream>>>(one);
        check_cuda(cudaGetLastError(), "starting a sum");
      },
      kernel);
}

}  // namespace headrace::cuda
