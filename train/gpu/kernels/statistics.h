#pragma once

#include "headrace/train/gpu/kernels/normalization.h"

namespace headrace::gpu {

// For inference: scale and shift of the moving statistics.
struct UseMoving {
  std::uint32_t channels = 0;
  const float* mean = nullptr;
  const float* variance = nullptr;
  NormState state;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return channels; }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t c) const {
    state.set_scale(c, static_cast<double>(mean[c]) - state.lacking(c),
                    static_cast<double>(variance[c]));
  }
};

// The moving statistics take in those of a batch.
struct MoveStatistics {
  std::uint32_t channels = 0;
  double momentum = 0;
  const float* mean = nullptr;
  const float* variance = nullptr;
  float* moving_mean = nullptr;
  float* moving_variance = nullptr;
  const std::uint32_t* halt = nullptr;  // as Update's

  HEADRACE_HOST_DEVICE std::int64_t items() const { return channels; }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t c) const {
    if (halt != nullptr && *halt != 0) return;
    moving_mean[c] = blend(moving_mean[c], mean[c]);
    moving_variance[c] = blend(moving_variance[c], variance[c]);
  }
  HEADRACE_HOST_DEVICE float blend(float old, float now) const {
    return static_cast<float>(momentum * static_cast<double>(old) +
                              (1 - momentum) * static_cast<double>(now));
  }
};

// Of a bias: the sum of its layer's gradients over all groups.
template <int lanes>
struct BiasSums {
  Pieces<lanes> pieces;
  Array dy;
  float* gradient = nullptr;  // added to

  HEADRACE_HOST_DEVICE void operator()(std::int64_t group, std::uint32_t first, Values<lanes>& sum,
                                       Values<lanes>&) const {
    const auto slope = load<lanes>(dy, group * dy.stride + first);
    for (int i = 0; i < lanes; ++i) sum.at[i] += slope.at[i];
  }
  HEADRACE_HOST_DEVICE void finish(std::uint32_t c, double sum, double) const {
    gradient[c] += static_cast<float>(sum);
  }
};

}  // namespace headrace::gpu
