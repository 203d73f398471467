#pragma once

#include "headrace/train/comm/device_link.h"

// The functions of the plugin headrace_nccl. Both sides are built from one source tree; the version
// is there to refuse a stale file. Private to train.
namespace headrace {

constexpr int headrace_nccl_version = 1;

// int headrace_nccl_get_version();
// DeviceLink* headrace_nccl_open(int device, void* stream, bool in_bf16): owned by the caller.
// `stream` is the queue that makes what is added up; values may travel in bf16. Throws Error.
using headrace_nccl_open_function = DeviceLink* (*)(int device, void* stream, bool in_bf16);

}  // namespace headrace
