#pragma once

// What kernels for AVX-512 begin with; private to them. x86-64 only.

#if !defined(__clang__)
// GCC bug 105593: in its own intrinsics.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#define HEADRACE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))
// With what came with Ice Lake and Zen 4.
#define HEADRACE_WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")))
