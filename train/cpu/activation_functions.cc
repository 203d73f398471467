#include "headrace/train/cpu/activation_functions.h"

#include <cmath>
#include <stdexcept>

#include "headrace/train/cpu/clones.h"
#include "headrace/train/cpu/fast_functions.h"

namespace headrace::cpu {
namespace {

constexpr float inverse_root_2 = 0.70710678118654752f;
constexpr float inverse_root_2_pi = 0.39894228040143268f;

}  // namespace

namespace functions {

HEADRACE_CLONES
void leaky_relu(float slope, std::int64_t size, const float* x, float* y) {
  for (std::int64_t i = 0; i < size; ++i) y[i] = x[i] < 0.0f ? slope * x[i] : x[i];
}

HEADRACE_CLONES
void leaky_relu_backward(float slope, std::int64_t size, const float* x, const float* dy,
                         float* dx) {
  for (std::int64_t i = 0; i < size; ++i) dx[i] = x[i] > 0.0f ? dy[i] : slope * dy[i];
}

HEADRACE_CLONES
void sigmoid(std::int64_t size, const float* x, float* y) {
  for (std::int64_t i = 0; i < size; ++i) y[i] = logistic(x[i]);
}

HEADRACE_CLONES
void sigmoid_backward(std::int64_t size, const float* y, const float* dy, float* dx) {
  for (std::int64_t i = 0; i < size; ++i) dx[i] = dy[i] * y[i] * (1.0f - y[i]);
}

HEADRACE_CLONES
void tanh(std::int64_t size, const float* x, float* y) {
  for (std::int64_t i = 0; i < size; ++i) y[i] = hyperbolic_tangent(x[i]);
}

HEADRACE_CLONES
void tanh_backward(std::int64_t size, const float* y, const float* dy, float* dx) {
  for (std::int64_t i = 0; i < size; ++i) dx[i] = dy[i] * (1.0f - y[i] * y[i]);
}

HEADRACE_CLONES
void silu(std::int64_t size, const float* x, float* y) {
  for (std::int64_t i = 0; i < size; ++i) y[i] = x[i] * logistic(x[i]);
}

HEADRACE_CLONES
void silu_backward(std::int64_t size, const float* x, const float* dy, float* dx) {
  for (std::int64_t i = 0; i < size; ++i) {
    const float s = logistic(x[i]);
    dx[i] = dy[i] * s * (1.0f + x[i] * (1.0f - s));
  }
}

void gelu(std::int64_t size, const float* x, float* y) {
  for (std::int64_t i = 0; i < size; ++i) {
    y[i] = 0.5f * x[i] * (1.0f + std::erf(x[i] * inverse_root_2));
  }
}

void gelu_backward(std::int64_t size, const float* x, const float* dy, float* dx) {
  for (std::int64_t i = 0; i < size; ++i) {
    const float below = 0.5f * (1.0f + std::erf(x[i] * inverse_root_2));
    const float density = inverse_root_2_pi * std::exp(-0.5f * x[i] * x[i]);
    dx[i] = dy[i] * (below + x[i] * density);
  }
}

}  // namespace functions

void activate(ActivationKind function, float negative_slope, std::int64_t size, const float* x,
              float* y) {
  switch (function) {
    case ActivationKind::leaky_relu: functions::leaky_relu(negative_slope, size, x, y); return;
    case ActivationKind::relu: functions::leaky_relu(0.0f, size, x, y); return;
    case ActivationKind::sigmoid: functions::sigmoid(size, x, y); return;
    case ActivationKind::tanh: functions::tanh(size, x, y); return;
    case ActivationKind::silu: functions::silu(size, x, y); return;
    case ActivationKind::gelu: functions::gelu(size, x, y); return;
    case ActivationKind::linear: functions::leaky_relu(1.0f, size, x, y); return;
    case ActivationKind::softmax: break;
  }
  throw std::logic_error("softmax is no function of one value");
}

void activate_backward(ActivationKind function, float negative_slope, std::int64_t size,
                       const float* x, const float* y, const float* dy, float* dx) {
  switch (function) {
    case ActivationKind::leaky_relu:
      functions::leaky_relu_backward(negative_slope, size, x, dy, dx);
      return;
    case ActivationKind::relu: functions::leaky_relu_backward(0.0f, size, x, dy, dx); return;
    case ActivationKind::sigmoid: functions::sigmoid_backward(size, y, dy, dx); return;
    case ActivationKind::tanh: functions::tanh_backward(size, y, dy, dx); return;
    case ActivationKind::silu: functions::silu_backward(size, x, dy, dx); return;
    case ActivationKind::gelu: functions::gelu_backward(size, x, dy, dx); return;
    case ActivationKind::linear: functions::leaky_relu_backward(1.0f, size, x, dy, dx); return;
    case ActivationKind::softmax: break;
  }
  throw std::logic_error("softmax is no function of one value");
}

}  // namespace headrace::cpu
