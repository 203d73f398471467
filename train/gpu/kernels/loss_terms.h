#pragma once

#include <cmath>

#include "headrace/train/gpu/kernels/dropout.h"

namespace headrace::gpu {

// The losses of a row, and their gradients where `gradient` is not null; formulas as in loss.h.
struct LossTerms {
  bool of_logits = false;
  double smoothing = 0;
  std::int64_t width = 0;
  const StepScalars* step = nullptr;
  const float* values = nullptr;
  const std::int32_t* indices = nullptr;  // one of the two
  const float* targets = nullptr;

  HEADRACE_HOST_DEVICE double target(std::int64_t row, std::int64_t i) const {
    if (targets != nullptr) return static_cast<double>(targets[row * width + i]);
    if (width == 1) return indices[row];
    return i == indices[row] ? 1 : 0;
  }
  HEADRACE_HOST_DEVICE std::int64_t label(std::int64_t row) const {
    if (targets == nullptr) return indices[row];
    return largest(targets + row * width);
  }
  HEADRACE_HOST_DEVICE std::int64_t largest(const float* of) const {
    std::int64_t best = 0;
    for (std::int64_t i = 1; i < width; ++i) best = of[i] > of[best] ? i : best;
    return best;
  }

  HEADRACE_HOST_DEVICE double smooth(std::int64_t row, std::int64_t c) const {
    return (1 - smoothing) * target(row, c) + smoothing / static_cast<double>(width);
  }
  HEADRACE_HOST_DEVICE double from_logits(std::int64_t row, float* gradient) const {
    const float* z = values + row * width;
    const float top = z[largest(z)];
    double sum = 0, total = 0, dot = 0;  // dot is relative to `top`, where no digits are lost
    for (std::int64_t c = 0; c < width; ++c) {
      sum += static_cast<double>(expf(z[c] - top));
      const double share = smooth(row, c);
      total += share;
      if (share != 0) dot += share * static_cast<double>(z[c] - top);
    }
    for (std::int64_t c = 0; gradient != nullptr && c < width; ++c) {
      const auto share = static_cast<float>(total / sum);
      gradient[c] = (expf(z[c] - top) * share - static_cast<float>(smooth(row, c))) * step->scale;
    }
    return total * log(sum) - dot;
  }
  HEADRACE_HOST_DEVICE static double clipped(double p) {
    return p < 1e-7 ? 1e-7 : p > 1 - 1e-7 ? 1 - 1e-7 : p;
  }
  HEADRACE_HOST_DEVICE double from_probabilities(std::int64_t row, float* gradient) const {
    const float* p = values + row * width;
    double sum = 0, share = 0, loss = 0;
    for (std::int64_t c = 0; c < width; ++c) sum += static_cast<double>(p[c]);
    for (std::int64_t c = 0; c < width; ++c) {
      const double of_sum = static_cast<double>(p[c]) / sum;
      loss -= smooth(row, c) * log(clipped(of_sum));
      if (clipped(of_sum) == of_sum) share += smooth(row, c);
    }
    for (std::int64_t c = 0; gradient != nullptr && c < width; ++c) {
      const double value = static_cast<double>(p[c]);
      const double kept = clipped(value / sum) == value / sum ? smooth(row, c) : 0;
      gradient[c] = static_cast<float>(share / sum - (kept > 0 ? kept / value : 0)) * step->scale;
    }
    return loss;
  }
  HEADRACE_HOST_DEVICE double binary(std::int64_t row, float* gradient) const {
    const double each = 1 / static_cast<double>(width);
    double loss = 0;
    for (std::int64_t i = 0; i < width; ++i) {
      const auto z = static_cast<double>(values[row * width + i]);
      const double wanted = (1 - smoothing) * target(row, i) + smoothing / 2;
      double slope = 0;
      if (of_logits) {
        const double power = exp(z < 0 ? z : -z);  // at most 1: nothing overflows
        loss += (z > 0 ? z : 0) - z * wanted + log1p(power);
        slope = (z >= 0 ? 1 / (1 + power) : power / (1 + power)) - wanted;
      } else {
        const double p = clipped(z);
        loss -= wanted * log(p) + (1 - wanted) * log1p(-p);
        slope = p == z ? (p - wanted) / (p * (1 - p)) : 0;
      }
      if (gradient != nullptr) gradient[i] = static_cast<float>(slope * each) * step->scale;
    }
    return loss * each;
  }
  HEADRACE_HOST_DEVICE double squared(std::int64_t row, float* gradient) const {
    const double each = 1 / static_cast<double>(width);
    double loss = 0;
    for (std::int64_t i = 0; i < width; ++i) {
      const double difference = static_cast<double>(values[row * width + i]) - target(row, i);
      loss += difference * difference;
      if (gradient != nullptr) {
        gradient[i] = static_cast<float>(2 * difference * each) * step->scale;
      }
    }
    return loss * each;
  }
};

}  // namespace headrace::gpu
