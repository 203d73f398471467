#include "headrace/train/reference/reference_batch_normalization.h"

#include <cmath>

namespace headrace::reference {
namespace {

Statistics moving_statistics(const Use& use, const BatchNormalization& layer) {
  return {use.parameters[layer.moving_mean()], use.parameters[layer.moving_variance()], 0};
}

double deviation(const BatchNormalization& layer, const Statistics& statistics,
                 std::size_t channel) {
  return std::sqrt(statistics.variance[channel] + layer.epsilon());
}

}  // namespace

Statistics statistics_of(std::span<const Values* const> xs, std::size_t channels) {
  Statistics statistics{Values(channels, 0.0), Values(channels, 0.0), 0};
  for (const Values* x : xs) statistics.count += static_cast<double>(x->size() / channels);
  if (statistics.count == 0) return statistics;
  for (const Values* x : xs) {
    Values sum(channels, 0.0);
    for (std::size_t i = 0; i < x->size(); ++i) sum[i % channels] += (*x)[i];
    for (std::size_t c = 0; c < channels; ++c) statistics.mean[c] += sum[c] / statistics.count;
  }
  for (const Values* x : xs) {
    Values sum(channels, 0.0);
    for (std::size_t i = 0; i < x->size(); ++i) {
      const double difference = (*x)[i] - statistics.mean[i % channels];
      sum[i % channels] += difference * difference;
    }
    for (std::size_t c = 0; c < channels; ++c) statistics.variance[c] += sum[c] / statistics.count;
  }
  return statistics;
}

Values normalize(const Use& use, const BatchNormalization& layer, const Statistics& statistics,
                 const Values& x) {
  const std::size_t channels = statistics.mean.size();
  Values y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t c = i % channels;
    const double gamma = layer.scale() ? use.parameters[layer.gamma()][c] : 1.0;
    const double beta = layer.center() ? use.parameters[layer.beta()][c] : 0.0;
    y[i] = gamma * (x[i] - statistics.mean[c]) / deviation(layer, statistics, c) + beta;
  }
  return y;
}

SlopeSums slope_sums(const BatchNormalization& layer, const Statistics& statistics,
                     std::span<const Values* const> xs, std::span<const Values* const> dys) {
  const std::size_t channels = statistics.mean.size();
  SlopeSums sums{Values(channels, 0.0), Values(channels, 0.0), statistics.count};
  for (std::size_t part = 0; part < xs.size(); ++part) {
    const Values &x = *xs[part], &dy = *dys[part];
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t c = i % channels;
      sums.dy[c] += dy[i];
      sums.dy_normal[c] += dy[i] * (x[i] - statistics.mean[c]) / deviation(layer, statistics, c);
    }
  }
  return sums;
}

Values normalize_backward(const Use& use, const BatchNormalization& layer,
                          const Statistics& statistics, const Values& x, const Values& dy,
                          const SlopeSums* sums, std::span<Values> gradients) {
  const std::size_t channels = statistics.mean.size();
  Values dx(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t c = i % channels;
    const double root = deviation(layer, statistics, c);
    const double normal = (x[i] - statistics.mean[c]) / root;
    const double gamma = layer.scale() ? use.parameters[layer.gamma()][c] : 1.0;
    dx[i] = gamma * dy[i] / root;
    if (sums != nullptr)
      dx[i] -= gamma * (sums->dy[c] + normal * sums->dy_normal[c]) / (sums->count * root);
    if (layer.scale()) gradients[layer.gamma()][c] += dy[i] * normal;
    if (layer.center()) gradients[layer.beta()][c] += dy[i];
  }
  return dx;
}

Values forward(const Use& use, const BatchNormalization& layer, const Values& x) {
  return normalize(use, layer, moving_statistics(use, layer), x);
}

Values backward(const Use& use, const BatchNormalization& layer, const Values& x, const Values&,
                const Values& dy, std::span<Values> gradients) {
  return normalize_backward(use, layer, moving_statistics(use, layer), x, dy, nullptr, gradients);
}

}  // namespace headrace::reference
