#pragma once

#include <string>

#include "headrace/train/gpu/engine.h"

// The functions of the plugin headrace_cuda. Both sides are built from one source tree; the version
// is there to refuse a stale file. Private to train.
namespace headrace {

constexpr int headrace_cuda_version = 2;

// int headrace_cuda_get_version();
// gpu::Engine* headrace_cuda_open(int device, const char* choices): owned by the caller. Throws
// Error. `choices` is the file in which measured choices are kept; empty: none.
using headrace_cuda_open_function = gpu::Engine* (*)(int device, const char* choices);

namespace cuda {

// Of a convolution, told without a GPU.
struct Support {
  bool is_valid = false;          // cuDNN's frontend finds no fault with its graphs
  std::string reason;             // of the fault
  bool has_engine = false;        // cuDNN has an engine for it on the device
  bool with_epilogue = false;     // that does bias and relu too
  bool gradient_in_type = false;  // that gives the kernel's gradient in bf16 alone
  bool same_bits = false;         // that gives the same bits every time
};

}  // namespace cuda

// void headrace_cuda_support(convolution, device, support): for tests; `device` is cuDNN's
// description of one, as JSON, or empty.
using headrace_cuda_support_function = void (*)(const gpu::Convolution& convolution,
                                                const std::string& device, cuda::Support& support);

}  // namespace headrace
