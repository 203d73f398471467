#pragma once

// Before functions that kernels call too. nvcc is told --expt-relaxed-constexpr, so that they may
// use what is constexpr in the standard library.
#ifdef __CUDACC__
#define HEADRACE_HOST_DEVICE __host__ __device__
#else
#define HEADRACE_HOST_DEVICE
#endif
