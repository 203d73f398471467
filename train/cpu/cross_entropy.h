#pragma once

#include <cstdint>

#include "headrace/train/loss.h"

namespace headrace::cpu {

// The labels of a block of rows: class indices, or targets of `classes` values; the other is null.
struct Labels {
  const std::int32_t* indices = nullptr;
  const float* targets = nullptr;
};

// Softmax cross-entropy by log-sum-exp. Adds losses and hits to `sums`; if `gradient` is not null,
// writes that of the logits, times `scale`. Requires indices in [0, classes).
void cross_entropy(const float* logits, const Labels& labels, std::int64_t rows,
                   std::int64_t classes, float scale, float* gradient, MetricSums& sums);

}  // namespace headrace::cpu
