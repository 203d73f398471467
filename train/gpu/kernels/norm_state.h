#pragma once

#include <cmath>

#include "headrace/train/gpu/values.h"

namespace headrace::gpu {

// What one batch normalisation keeps for each channel.
struct NormState {
  float* seen = nullptr;  // the mean of the batch, as moving statistics take it: with the offset
  float* variance = nullptr;  // biased
  float* mean = nullptr;      // of the values as they are
  float* scale = nullptr;     // y = x scale + shift
  float* shift = nullptr;
  float* factor = nullptr;  // dx = factor dy - constant - linear (x - mean)
  float* constant = nullptr;
  float* linear = nullptr;
  // What the values lack in each channel: the bias of a convolution before. Null: nothing.
  const float* offset = nullptr;
  const float* gamma = nullptr;  // null: 1
  const float* beta = nullptr;   // null: 0
  double epsilon = 0;
  double count = 0;  // of values in a channel

  HEADRACE_HOST_DEVICE double lacking(std::uint32_t c) const {
    return offset != nullptr ? static_cast<double>(offset[c]) : 0;
  }
  HEADRACE_HOST_DEVICE void set_scale(std::uint32_t c, double mean_of, double variance_of) const {
    const double by =
        (gamma != nullptr ? static_cast<double>(gamma[c]) : 1.0) / sqrt(variance_of + epsilon);
    scale[c] = static_cast<float>(by);
    shift[c] =
        static_cast<float>((beta != nullptr ? static_cast<double>(beta[c]) : 0.0) - mean_of * by);
  }
};

}  // namespace headrace::gpu
