#include "headrace/cli/exchange_model.h"

#include <algorithm>

namespace headrace::cli {
namespace {

// Bytes that a rank sends.
double sent(std::size_t bytes, int ranks) {
  return 2.0 * (ranks - 1) / ranks * static_cast<double>(bytes);
}

}  // namespace

double ExchangeModel::seconds(std::size_t bytes) const {
  return sent(bytes, ranks) / rate + 2 * latency;
}

// Least squares of (a + b x - t) / t, a line with weights 1/t^2.
ExchangeModel fit_exchange(const std::vector<ExchangeSample>& samples, int ranks) {
  double w = 0, wx = 0, wt = 0, wxx = 0, wxt = 0;
  for (const ExchangeSample& sample : samples) {
    const double x = sent(sample.bytes, ranks), weight = 1 / (sample.seconds * sample.seconds);
    w += weight;
    wx += weight * x;
    wt += weight * sample.seconds;
    wxx += weight * x * x;
    wxt += weight * x * sample.seconds;
  }
  const double slope = (w * wxt - wx * wt) / (w * wxx - wx * wx);
  const double start = (wt - slope * wx) / w;
  if (slope <= 0) {
    const ExchangeSample& last = samples.back();
    return {ranks, sent(last.bytes, ranks) / last.seconds, 0};
  }
  return {ranks, 1 / slope, std::max(start, 0.0) / 2};
}

}  // namespace headrace::cli
