#pragma once

#include "headrace/train/comm/link.h"

// The functions of the plugin headrace_mpi. It is built with the program that opens it, so a Link
// of C++ may go from one to the other; the version guards against a plugin of another build.
extern "C" {

constexpr int headrace_mpi_version = 1;
using headrace_mpi_get_version_function = int (*)();
// The link of this process to MPI_COMM_WORLD; the caller deletes it. Initialises MPI on the calling
// thread. Throws std::runtime_error.
using headrace_mpi_open_function = headrace::Link* (*)();
}
