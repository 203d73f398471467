#pragma once

#include <cstdint>
#include <memory>

#include "headrace/train/gpu/engine.h"

// Only sources that build cuDNN's graphs include this: the frontend takes long to compile.
#define CUDNN_FRONTEND_SKIP_JSON_LIB
#include <cudnn_frontend.h>

namespace headrace::cuda {

// What tensors of a convolution's graph are called.
enum class GraphTensor : std::int64_t { x = 1, kernel = 2, y = 3, bias = 4 };

struct GraphOptions {
  bool with_epilogue = false;
  bool gradient_in_type = false;
};

// A convolution as a graph that cuDNN's frontend has found valid. Null, with the reason, if not.
std::unique_ptr<cudnn_frontend::graph::Graph> make_convolution_graph(
    const gpu::Convolution& convolution, const GraphOptions& options, std::string& reason);

}  // namespace headrace::cuda
