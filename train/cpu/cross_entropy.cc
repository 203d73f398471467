#include "headrace/train/cpu/cross_entropy.h"

#include <algorithm>
#include <cmath>

namespace headrace::cpu {
namespace {

std::int64_t largest(const float* values, std::int64_t size) {
  return std::max_element(values, values + size) - values;
}

}  // namespace

void cross_entropy(const float* logits, const Labels& labels, std::int64_t rows,
                   std::int64_t classes, float scale, float* gradient, MetricSums& sums) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* z = logits + row * classes;
    const float* targets = labels.targets ? labels.targets + row * classes : nullptr;
    const std::int64_t label = targets ? largest(targets, classes) : labels.indices[row];
    const std::int64_t hit = largest(z, classes);
    const float top = z[hit];
    float* slope = gradient ? gradient + row * classes : nullptr;

    double sum = 0;
    for (std::int64_t c = 0; c < classes; ++c) {
      const float power = std::exp(z[c] - top);
      sum += power;
      if (slope) slope[c] = power;
    }
    // Relative to `top`, where no digits are lost.
    const double log_sum = std::log(sum);
    double total = 1, dot = 0;
    if (targets) {
      total = 0;
      for (std::int64_t c = 0; c < classes; ++c) {
        total += targets[c];
        dot += targets[c] * (z[c] - top);
      }
    } else {
      dot = z[label] - top;
    }
    sums.loss += total * log_sum - dot;
    sums.correct += hit == label ? 1 : 0;
    sums.samples += 1;

    if (!slope) continue;
    const auto share = static_cast<float>(total / sum);
    for (std::int64_t c = 0; c < classes; ++c) {
      const float target = targets ? targets[c] : (c == label ? 1.0f : 0.0f);
      slope[c] = (slope[c] * share - target) * scale;
    }
  }
}

}  // namespace headrace::cpu
