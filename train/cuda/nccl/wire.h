#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace headrace::cuda {

// Between f32 and bf16 (rounded to nearest, ties to even), queued. Throw Error{backend}.
void narrow(const float* from, std::uint16_t* to, std::size_t count, cudaStream_t stream);
void widen(const std::uint16_t* from, float* to, std::size_t count, cudaStream_t stream);

}  // namespace headrace::cuda
