#pragma once

#include "headrace/train/comm/link.h"

// The functions of the plugin headrace_gloo; see mpi/interface.h.
extern "C" {

constexpr int headrace_gloo_version = 1;
using headrace_gloo_get_version_function = int (*)();
// The link of one of `processes` that meet in a folder by `seconds`. Throws std::runtime_error.
using headrace_gloo_open_function = headrace::Link* (*)(int process, int processes,
                                                        const char* folder, double seconds);
}
