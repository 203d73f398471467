#pragma once

#include <cuda_runtime_api.h>

#include "headrace/pipeline/device.h"

namespace headrace::cuda {

// Gives `stream` the kernel that makes rows of an image field (device_pixels.h). Throws
// Error{backend}.
void render_rows(const DeviceRender& render, cudaStream_t stream);

}  // namespace headrace::cuda
