#pragma once

#include "headrace/pipeline/device.h"

// The functions of the plugin headrace_cuda_device. It is built with the program that opens it, so
// a Device of C++ may go from one to the other, and an Error; the version guards against a plugin
// of another build.
extern "C" {

constexpr int headrace_cuda_device_version = 1;
using headrace_cuda_device_get_version_function = int (*)();
// GPU number `index`; the caller deletes it. Throws Error as open_gpu().
using headrace_cuda_device_open_function = headrace::Device* (*)(int index);
}
