#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "headrace/train/gpu/kernel.h"

// Kernels on a GPU, queued on a stream. All throw Error{backend}.
namespace headrace::cuda {

void launch(const gpu::EachKernel& kernel, cudaStream_t stream);
void launch(const gpu::SegmentKernel& kernel, cudaStream_t stream);

// Sums of parts of the groups are put aside in between, in so many bytes.
std::size_t scratch_bytes(const gpu::ColumnKernel& kernel);
void launch(const gpu::ColumnKernel& kernel, void* scratch, cudaStream_t stream);

// Throws Error{unsupported} if the current device cannot run these kernels.
void check_kernels();

}  // namespace headrace::cuda
