#pragma once

// Functions that a kernel calls on a GPU, and that run on the host as well: with the same
// arithmetic, so that what kernels compute is tested on machines without a GPU.
#ifdef __CUDACC__
#define HEADRACE_HOST_DEVICE __host__ __device__ inline
#else
#define HEADRACE_HOST_DEVICE inline
#endif
