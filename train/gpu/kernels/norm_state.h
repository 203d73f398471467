#pragma once

#include <cmath>

#include "headrace/train/gpu/values.h"

namespace headrace::gpu {

// What one batch normalisation keeps for each channel.
struct NormState {
  float* mean = nullptr;      // of the batch
  float* variance = nullptr;  // biased
  float* scale = nullptr;     // y = x scale + shift
  float* shift = nullptr;
  float* factor = nullptr;  // dx = factor dy - constant - linear (x - mean)
  float* constant = nullptr;
  float* linear = nullptr;
  const float* gamma = nullptr;  // null: 1
  const float* beta = nullptr;   // null: 0
  double epsilon = 0;
  double count = 0;  // of values in a channel

  HEADRACE_HOST_DEVICE void set_scale(std::uint32_t c, double mean_of, double variance_of) const {
    const double by =
        (gamma != nullptr ? static_cast<double>(gamma[c]) : 1.0) / sqrt(variance_of + epsilon);
    scale[c] = static_cast<float>(by);
    shift[c] =
        static_cast<float>((beta != nullptr ? static_cast<double>(beta[c]) : 0.0) - mean_of * by);
  }
};

}  // namespace headrace::gpu
