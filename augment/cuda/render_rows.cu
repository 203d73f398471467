#include <algorithm>

#include "headrace/augment/cuda/render_rows.h"
#include "headrace/augment/device_pixels.h"
#include "headrace/pipeline/cuda/cuda_handles.h"

namespace headrace::cuda {
namespace {

using device_pixels::Job;

constexpr int threads = 256;
constexpr int entry_bytes = 3 * sizeof(std::int32_t) + most_device_taps * sizeof(std::int16_t);

// A table of `entries` in shared memory.
__device__ AxisTable table_at(std::byte* memory, int entries) {
  AxisTable table;
  table.outputs = entries;
  table.stride = most_device_taps;
  table.first = reinterpret_cast<std::int32_t*>(memory);
  table.count = table.first + entries;
  table.constant_weight = table.count + entries;
  table.weights = reinterpret_cast<std::int16_t*>(table.constant_weight + entries);
  return table;
}

// A block makes `band` rows of pixels of one sample.
__global__ void __launch_bounds__(threads) render(const Job job, int band) {
  extern __shared__ std::int64_t shared[];
  const std::byte* row = job.rows + blockIdx.x * job.row_bytes;
  std::byte* output = job.output + blockIdx.x * job.output_row_bytes;
  const WirePlan& plan = *reinterpret_cast<const WirePlan*>(row);
  const std::uint8_t* pixels = device_pixels::pixels_of(job, row, plan);
  const bool resamples = plan.kind == WirePlan::Kind::image || plan.kind == WirePlan::Kind::gather;
  const int top = blockIdx.y * band;
  const int rows_here = min(band, job.height - top);

  auto* memory = reinterpret_cast<std::byte*>(shared);
  const AxisTable columns = table_at(memory, job.width);
  const AxisTable rows = table_at(memory + job.width * entry_bytes, band);
  if (resamples) {
    for (int i = threadIdx.x; i < job.width + rows_here; i += threads) {
      if (i < job.width) {
        device_pixels::write_taps(plan.columns, i, columns, i);
      } else {
        device_pixels::write_taps(plan.rows, top + i - job.width, rows, i - job.width);
      }
    }
    __syncthreads();
  }
  for (int p = threadIdx.x; p < rows_here * job.width; p += threads) {
    const int y = p / job.width;
    const int x = p % job.width;
    for (int c = 0; c < job.channels; ++c) {
      std::uint8_t level = 0;
      if (resamples) {
        level = device_pixels::resampled(plan, pixels, job.channels, rows, y, columns, x, c);
      } else if (pixels != nullptr) {
        level = pixels[(std::int64_t{top + y} * job.width + x) * job.channels + c];
      }
      device_pixels::finish(job, level, pixels == nullptr, top + y, x, c, output);
    }
    if (!job.planes) device_pixels::clear_padding(job, top + y, x, output);
  }
}

// Rows of f32 values in another type, or with other room between pixels.
__global__ void __launch_bounds__(threads) convert(const Job job, std::int64_t pixels) {
  const std::int64_t first = std::int64_t{blockIdx.x} * threads + threadIdx.x;
  const auto* values = reinterpret_cast<const float*>(job.rows);
  for (std::int64_t p = first; p < pixels; p += std::int64_t{gridDim.x} * threads) {
    for (int c = 0; c < job.pitch; ++c) {
      const float value = c < job.channels ? values[p * job.channels + c] : 0.0f;
      device_pixels::store(value, job.type, job.output, p * job.pitch + c);
    }
  }
}

}  // namespace

void render_rows(const DeviceRender& wanted, cudaStream_t stream) {
  if (wanted.count == 0) return;
  const Job job = device_pixels::make_job(wanted);
  const auto count = static_cast<unsigned>(wanted.count);
  if (wanted.stage->work == DeviceWork::none) {
    const std::int64_t pixels = wanted.count * job.height * job.width;
    const auto blocks =
        static_cast<unsigned>(std::min<std::int64_t>((pixels + threads - 1) / threads, 65536));
    convert<<<blocks, threads, 0, stream>>>(job, pixels);
  } else {
    const bool tables = wanted.stage->work != DeviceWork::finish;
    // Enough pixels for each thread of a block that its tables pay.
    const int band = std::clamp(4 * threads / job.width, 1, job.height);
    const auto bands = static_cast<unsigned>((job.height + band - 1) / band);
    const int shared = tables ? (job.width + band) * entry_bytes : 0;
    render<<<dim3(count, bands), threads, static_cast<unsigned>(shared), stream>>>(job, band);
  }
  check_cuda(cudaGetLastError(), "making rows of a batch");
}

}  // namespace headrace::cuda
