#pragma once

#include "headrace/train/comm/key_value_store.h"
#include "headrace/train/comm/link.h"

// The functions of the plugin headrace_gloo; see mpi/interface.h.
extern "C" {

constexpr int headrace_gloo_version = 2;
using headrace_gloo_get_version_function = int (*)();
// The link of one of `processes` that meet by a store within `seconds`; `address` is this
// machine's. The store is not used afterwards. Throws std::exception.
using headrace_gloo_open_function = headrace::Link* (*)(int process, int processes,
                                                        headrace::KeyValueStore& store,
                                                        const char* address, double seconds);
}
