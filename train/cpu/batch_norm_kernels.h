#pragma once

#include <cstdint>
#include <span>

#include "headrace/train/cpu/elementwise.h"

namespace headrace::cpu {

// Passes of batch normalisation over `groups` of `channels` adjacent values; factors and sums are
// arrays of a value for each channel.

// Adds up x - pivot and its square. In f32 over some groups, in double over those.
void add_moments(Array x, std::int64_t groups, std::int64_t channels, const float* pivot,
                 double* sums, double* squares);

// y = scale x + shift (+ other), then relu if asked for. `other.data` may be null.
void normalise(Array x, std::int64_t groups, std::int64_t channels, const float* scale,
               const float* shift, Array other, bool with_relu, Array y);

// What is known of the gradient g of a normalised value.
struct NormSlope {
  std::span<const Array> parts;  // g is their sum, but zero where relu was
  // Relu was where scale x + shift is not above zero; null: nowhere.
  const float* scale = nullptr;
  const float* shift = nullptr;
  Array y;  // if there was another summand: relu was where this is not above zero; else null
};

// Adds up g and g (x - mean); writes g to `total` and to `other` unless their data are null.
void add_slopes(Array x, std::int64_t groups, std::int64_t channels, const float* mean,
                const NormSlope& slope, Array total, Array other, double* sums, double* products);

// dx = factor g - constant - linear (x - mean).
void normalise_backward(Array x, std::int64_t groups, std::int64_t channels, const float* mean,
                        const NormSlope& slope, const float* factor, const float* constant,
                        const float* linear, Array dx);

}  // namespace headrace::cpu
