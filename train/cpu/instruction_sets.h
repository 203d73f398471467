#pragma once

// The instruction sets that kernels with vector types are compiled for.
#if defined(__x86_64__)
#define HEADRACE_AVX2 __attribute__((target("avx2")))
#define HEADRACE_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

// The best of `kernels(portable)`, `kernels(avx2)` and `kernels(avx512)` for this machine.
#define HEADRACE_CHOOSE(kernels)                                               \
  (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && \
           __builtin_cpu_supports("avx512dq")                                  \
       ? kernels(avx512)                                                       \
       : (__builtin_cpu_supports("avx2") ? kernels(avx2) : kernels(portable)))
#else
#define HEADRACE_CHOOSE(kernels) kernels(portable)
#endif
