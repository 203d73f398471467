#include "headrace/train/cpu/activation_functions.h"

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

HEADRACE_CLONES
void gelu(std::int64_t size, const float* x, float* y) {
  for (std::int64_t i = 0; i < size; ++i) {
    y[i] = 0.5f * x[i] * (1.0f + error_function(x[i] * inverse_root_2));
  }
}

HEADRACE_CLONES
void gelu_backward(std::int64_t size, const float* x, const float* dy, float* dx) {
  for (std::int64_t i = 0; i < size; ++i) {
    const float below = 0.5f * (1.0f + error_function(x[i] * inverse_root_2));
    const float density = inverse_root_2_pi * power_of_e(-0.5f * x[i] * x[i]);
    dx[i] = dy[i] * (below + x[i] * density);
  }
}

// Sums and the largest of a row go by this many columns side by side, however wide vectors are, so
// that all instruction sets give the same values.
constexpr std::int64_t columns = 16;

HEADRACE_CLONES
void softmax(const float* x, std::int64_t groups, std::int64_t width, float* y) {
  for (std::int64_t group = 0; group < groups; ++group, x += width, y += width) {
    float tops[columns], sums[columns];
    for (std::int64_t c = 0; c < columns; ++c) {
      tops[c] = x[0];
      sums[c] = 0;
    }
    std::int64_t i = 0;
    for (; i + columns <= width; i += columns) {
      for (std::int64_t c = 0; c < columns; ++c) tops[c] = tops[c] < x[i + c] ? x[i + c] : tops[c];
    }
    float top = tops[0];
    for (std::int64_t c = 1; c < columns; ++c) top = top < tops[c] ? tops[c] : top;
    for (; i < width; ++i) top = top < x[i] ? x[i] : top;
    for (i = 0; i < width; ++i) {
      const float below = x[i] - top;
      y[i] = below < -87.0f ? 0.0f : power_of_e(below);
    }
    for (i = 0; i + columns <= width; i += columns) {
      for (std::int64_t c = 0; c < columns; ++c) sums[c] += y[i + c];
    }
    float sum = 0;
    for (; i < width; ++i) sum += y[i];
    for (std::int64_t c = 0; c < columns; ++c) sum += sums[c];
    for (i = 0; i < width; ++i) y[i] /= sum;
  }
}

HEADRACE_CLONES
void softmax_backward(std::int64_t groups, std::int64_t width, const float* y, const float* dy,
                      float* dx) {
  for (std::int64_t group = 0; group < groups; ++group, y += width, dy += width, dx += width) {
    float sums[columns];
    for (std::int64_t c = 0; c < columns; ++c) sums[c] = 0;
    std::int64_t i = 0;
    for (; i + columns <= width; i += columns) {
      for (std::int64_t c = 0; c < columns; ++c) sums[c] += y[i + c] * dy[i + c];
    }
    float dot = 0;
    for (; i < width; ++i) dot += y[i] * dy[i];
    for (std::int64_t c = 0; c < columns; ++c) dot += sums[c];
    for (i = 0; i < width; ++i) dx[i] = y[i] * (dy[i] - dot);
  }
}

}  // namespace functions

void softmax(const float* x, std::int64_t groups, std::int64_t width, float* y) {
  functions::softmax(x, groups, width, y);
}

void softmax_backward(std::int64_t groups, std::int64_t width, const float* y, const float* dy,
                      float* dx) {
  functions::softmax_backward(groups, width, y, dy, dx);
}

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
