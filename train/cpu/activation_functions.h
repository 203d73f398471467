#pragma once

#include <cstdint>

#include "headrace/train/layers/activation.h"

namespace headrace::cpu {

// Functions of each value, to about two units in the last place. `negative_slope` is leaky relu's.

// y = f(x); y may be x.
void activate(ActivationKind function, float negative_slope, std::int64_t size, const float* x,
              float* y);
// dx = dy f'(x), where y = f(x); dx may be dy.
void activate_backward(ActivationKind function, float negative_slope, std::int64_t size,
                       const float* x, const float* y, const float* dy, float* dx);

// y = softmax(x) of each of `groups` groups of `width` values; y may be x.
void softmax(const float* x, std::int64_t groups, std::int64_t width, float* y);
// dx from dy, where y = softmax(x); dx may be dy.
void softmax_backward(std::int64_t groups, std::int64_t width, const float* y, const float* dy,
                      float* dx);

}  // namespace headrace::cpu
