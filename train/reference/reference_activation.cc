#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "headrace/train/reference/reference_kernels.h"

namespace headrace::reference {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// The standard normal distribution, and its density.
double normal_share(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
double normal_density(double x) {
  return std::exp(-x * x / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
}

double value(const Activation& layer, double x) {
  switch (layer.function()) {
    case ActivationKind::linear: return x;
    case ActivationKind::relu: return std::max(x, 0.0);
    case ActivationKind::leaky_relu: return x > 0 ? x : layer.negative_slope() * x;
    case ActivationKind::sigmoid: return sigmoid(x);
    case ActivationKind::tanh: return std::tanh(x);
    case ActivationKind::silu: return x * sigmoid(x);
    case ActivationKind::gelu: return x * normal_share(x);
    case ActivationKind::softmax: break;
  }
  throw std::logic_error("reference: no function of one value");
}

double slope(const Activation& layer, double x) {
  switch (layer.function()) {
    case ActivationKind::linear: return 1;
    case ActivationKind::relu: return x > 0 ? 1 : 0;
    case ActivationKind::leaky_relu: return x > 0 ? 1 : layer.negative_slope();
    case ActivationKind::sigmoid: return sigmoid(x) * (1 - sigmoid(x));
    case ActivationKind::tanh: return 1 - std::tanh(x) * std::tanh(x);
    case ActivationKind::silu: return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
    case ActivationKind::gelu: return normal_share(x) + x * normal_density(x);
    case ActivationKind::softmax: break;
  }
  throw std::logic_error("reference: no function of one value");
}

std::size_t last_extent(const Use& use) { return at(use.input().extents().back()); }

Values softmax(const Use& use, const Values& x) {
  const std::size_t width = last_extent(use);
  Values y(x.size());
  for (std::size_t first = 0; first < x.size(); first += width) {
    const double top = *std::max_element(&x[first], &x[first] + width);
    double sum = 0;
    for (std::size_t i = first; i < first + width; ++i) sum += y[i] = std::exp(x[i] - top);
    for (std::size_t i = first; i < first + width; ++i) y[i] /= sum;
  }
  return y;
}

Values softmax_backward(const Use& use, const Values& y, const Values& dy) {
  const std::size_t width = last_extent(use);
  Values dx(y.size());
  for (std::size_t first = 0; first < y.size(); first += width) {
    double dot = 0;
    for (std::size_t i = first; i < first + width; ++i) dot += y[i] * dy[i];
    for (std::size_t i = first; i < first + width; ++i) dx[i] = y[i] * (dy[i] - dot);
  }
  return dx;
}

}  // namespace

Values forward(const Use& use, const Activation& layer, const Values& x) {
  if (layer.function() == ActivationKind::softmax) return softmax(use, x);
  Values y;
  for (double one : x) y.push_back(value(layer, one));
  return y;
}

Values backward(const Use& use, const Activation& layer, const Values& x, const Values& y,
                const Values& dy, std::span<Values>) {
  if (layer.function() == ActivationKind::softmax) return softmax_backward(use, y, dy);
  Values dx;
  for (std::size_t i = 0; i < x.size(); ++i) dx.push_back(dy[i] * slope(layer, x[i]));
  return dx;
}

}  // namespace headrace::reference
