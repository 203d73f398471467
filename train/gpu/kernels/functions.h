#pragma once

#include <cmath>

#include "headrace/train/gpu/values.h"
#include "headrace/train/layers/activation.h"

// Functions of values and of rows of values.
namespace headrace::gpu {

HEADRACE_HOST_DEVICE float logistic(float x) { return 1.0f / (1.0f + expf(-x)); }

HEADRACE_HOST_DEVICE float activate(ActivationKind kind, float slope, float x) {
  switch (kind) {
    case ActivationKind::relu: return x > 0.0f ? x : 0.0f;
    case ActivationKind::leaky_relu: return x < 0.0f ? slope * x : x;
    case ActivationKind::sigmoid: return logistic(x);
    case ActivationKind::tanh: return tanhf(x);
    case ActivationKind::silu: return x * logistic(x);
    case ActivationKind::gelu: return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
    default: return x;
  }
}

// The derivative at x, where y is the function's value.
HEADRACE_HOST_DEVICE float derivative(ActivationKind kind, float slope, float x, float y) {
  switch (kind) {
    case ActivationKind::relu: return y > 0.0f ? 1.0f : 0.0f;
    case ActivationKind::leaky_relu: return x > 0.0f ? 1.0f : slope;
    case ActivationKind::sigmoid: return y * (1.0f - y);
    case ActivationKind::tanh: return 1.0f - y * y;
    case ActivationKind::silu: {
      const float s = logistic(x);
      return s * (1.0f + x * (1.0f - s));
    }
    case ActivationKind::gelu: {
      const float below = 0.5f * (1.0f + erff(x * 0.70710678118654752f));
      return below + x * 0.39894228040143268f * expf(-0.5f * x * x);
    }
    default: return 1.0f;
  }
}

template <int lanes>
struct Activate {
  Pieces<lanes> pieces;
  ActivationKind kind = ActivationKind::linear;
  float slope = 0;  // of leaky relu
  Array x, y;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return pieces.count(); }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const auto place = pieces.place(item);
    auto value = load<lanes>(x, place.in(x));
    for (int i = 0; i < lanes; ++i) value.at[i] = activate(kind, slope, value.at[i]);
    store<lanes>(y, place.in(y), value);
  }
};

template <int lanes>
struct ActivateBackward {
  Pieces<lanes> pieces;
  ActivationKind kind = ActivationKind::linear;
  float slope = 0;
  Array x, y, dy, dx;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return pieces.count(); }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const auto place = pieces.place(item);
    auto slopes = load<lanes>(dy, place.in(dy));
    const auto in = load<lanes>(x, place.in(x)), out = load<lanes>(y, place.in(y));
    for (int i = 0; i < lanes; ++i) {
      slopes.at[i] *= derivative(kind, slope, in.at[i], out.at[i]);
    }
    store<lanes>(dx, place.in(dx), slopes);
  }
};

struct Softmax {
  std::int64_t groups = 0;
  std::uint32_t width = 0;
  const float* x = nullptr;
  float* y = nullptr;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return groups; }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t group) const {
    const float* from = x + std::int64_t{group} * width;
    float* to = y + std::int64_t{group} * width;
    float top = from[0], sum = 0;
    for (std::uint32_t i = 1; i < width; ++i) top = from[i] > top ? from[i] : top;
    for (std::uint32_t i = 0; i < width; ++i) {
      to[i] = expf(from[i] - top);
      sum += to[i];
    }
    for (std::uint32_t i = 0; i < width; ++i) to[i] /= sum;
  }
};

struct SoftmaxBackward {
  std::int64_t groups = 0;
  std::uint32_t width = 0;
  const float* y = nullptr;
  const float* dy = nullptr;
  float* dx = nullptr;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return groups; }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t group) const {
    const std::int64_t first = std::int64_t{group} * width;
    float dot = 0;
    for (std::uint32_t i = 0; i < width; ++i) dot += y[first + i] * dy[first + i];
    for (std::uint32_t i = 0; i < width; ++i) {
      dx[first + i] = y[first + i] * (dy[first + i] - dot);
    }
  }
};

}  // namespace headrace::gpu
