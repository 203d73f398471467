#include "headrace/train/cpu/max_pool_kernels.h"

#include <limits>

namespace headrace::cpu {
namespace {

constexpr std::int64_t lanes = 16;
using Floats __attribute__((vector_size(64), aligned(4), may_alias)) = float;
using Ints __attribute__((vector_size(64))) = std::int32_t;
using Bytes __attribute__((vector_size(16), aligned(1), may_alias)) = std::uint8_t;

#define HEADRACE_TARGET
#define HEADRACE_NAMED(name) name##_portable
#include "headrace/train/cpu/max_pool_kernels.inc"
#undef HEADRACE_TARGET
#undef HEADRACE_NAMED

#if defined(__x86_64__)
#define HEADRACE_TARGET __attribute__((target("avx2")))
#define HEADRACE_NAMED(name) name##_avx2
#include "headrace/train/cpu/max_pool_kernels.inc"
#undef HEADRACE_TARGET
#undef HEADRACE_NAMED

#define HEADRACE_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define HEADRACE_NAMED(name) name##_avx512
#include "headrace/train/cpu/max_pool_kernels.inc"
#undef HEADRACE_TARGET
#undef HEADRACE_NAMED
#endif

struct Kernels {
  decltype(&pool_forward) forward;
  decltype(&pool_backward_write) backward_write;
};

Kernels best_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq")) {
    return {pool_forward_avx512, pool_backward_write_avx512};
  }
  if (__builtin_cpu_supports("avx2")) return {pool_forward_avx2, pool_backward_write_avx2};
#endif
  return {pool_forward_portable, pool_backward_write_portable};
}

const Kernels& kernels() {
  static const Kernels chosen = best_kernels();
  return chosen;
}

}  // namespace

void pool_forward(const PoolRow& row, const float* x, float* y, std::uint8_t* winners) {
  kernels().forward(row, x, y, winners);
}

void pool_backward_write(const PoolRow& row, const float* dy, const float* y, bool relu,
                         const std::uint8_t* winners, float* dx) {
  kernels().backward_write(row, dy, y, relu, winners, dx);
}

void pool_backward_add(const PoolRow& row, const float* dy, const float* y, bool relu,
                       const std::uint8_t* winners, float* dx) {
  for (std::int64_t window = 0; window < row.windows; ++window) {
    for (std::int64_t c = 0; c < row.channels; ++c) {
      if (relu && !(y[c] > 0.0f)) continue;
      const std::int64_t place = winners[c] - row.first_place;
      const std::int64_t i = place / row.full_wide, j = place % row.full_wide;
      dx[c + i * row.line_step + j * row.pixel_step] += dy[c];
    }
    dx += row.input_step;
    dy += row.output_step;
    y += row.output_step;
    winners += row.output_step;
  }
}

}  // namespace headrace::cpu
