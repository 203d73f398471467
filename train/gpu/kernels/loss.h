#pragma once

#include <cmath>

#include "headrace/train/gpu/kernels/loss_terms.h"
#include "headrace/train/gpu/kernels/optimizer.h"
#include "headrace/train/loss.h"

// Losses of rows, and what is counted beside them.
namespace headrace::gpu {

// Counts are whole numbers, so the order does not matter.
HEADRACE_HOST_DEVICE void add_count(double* to) {
#ifdef __CUDA_ARCH__
  atomicAdd(to, 1.0);
#else
  *to += 1.0;
#endif
}

// What one row comes to, zero if it does not count; or all rows together.
struct RowSums {
  enum Which : std::uint8_t { loss, correct, top_k, samples, count };
  double at[count] = {};
};

// What is read of steps, in one piece; a matrix of confusion lies behind it.
struct StepResult {
  std::uint32_t halt = 0;  // not 0: some step was not finite, and none has changed anything since
  RowSums sums = {};       // since they were reset
};

struct LossOfRows : LossTerms {
  LossKind kind = LossKind::categorical_crossentropy;  // none of the user's own
  bool by_threshold = false;                           // and not by the largest output
  int top_k = 0;
  float threshold = 0;            // of the values
  double target_threshold = 0.5;  // of the labels
  std::int64_t rows = 0;
  const float* weights = nullptr;  // what each row's loss counts; null: 1
  float* gradients = nullptr;      // null: nobody asks for them
  RowSums* sums = nullptr;         // of each row
  double* confusion = nullptr;     // added to; null: not asked for

  HEADRACE_HOST_DEVICE std::int64_t items() const { return rows; }
  // Labels of batches that were never on the host are looked at here alone.
  HEADRACE_HOST_DEVICE bool is_known(std::int64_t row) const {
    if (targets != nullptr || (by_threshold && kind != LossKind::binary_crossentropy)) return true;
    return indices[row] >= 0 && indices[row] < (width > 2 ? width : 2);
  }

  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const std::int64_t row = item;
    RowSums& sum = sums[row];
    sum = RowSums{};
    float* gradient = gradients != nullptr ? gradients + row * width : nullptr;
    if (row >= step->valid || !is_known(row)) {
      for (std::int64_t i = 0; gradient != nullptr && i < width; ++i) gradient[i] = 0;
      if (row < step->valid) sum.at[RowSums::loss] = static_cast<double>(NAN);
      return;
    }
    sum.at[RowSums::samples] = 1;
    double loss = 0;
    switch (kind) {
      case LossKind::categorical_crossentropy:
        loss = of_logits ? from_logits(row, gradient) : from_probabilities(row, gradient);
        break;
      case LossKind::binary_crossentropy: loss = binary(row, gradient); break;
      default: loss = squared(row, gradient); break;
    }
    if (weights != nullptr) {
      loss *= static_cast<double>(weights[row]);
      for (std::int64_t i = 0; gradient != nullptr && i < width; ++i) gradient[i] *= weights[row];
    }
    sum.at[RowSums::loss] = loss;
    count(row, sum);
  }

  HEADRACE_HOST_DEVICE void count(std::int64_t row, RowSums& sum) const {
    const float* of = values + row * width;
    std::int64_t taken = 0, wanted = 0;
    if (by_threshold) {
      for (std::int64_t i = 0; i < width; ++i) {
        taken = of[i] > threshold ? 1 : 0;
        wanted = target(row, i) > target_threshold ? 1 : 0;
        sum.at[RowSums::correct] += taken == wanted ? 1 : 0;
      }
      sum.at[RowSums::correct] /= static_cast<double>(width);
    } else {
      taken = largest(of);
      wanted = label(row);
      sum.at[RowSums::correct] = taken == wanted ? 1 : 0;
    }
    if (top_k > 0) {
      int above = 0;
      for (std::int64_t i = 0; i < width; ++i) above += of[i] <= of[wanted] ? 0 : 1;
      sum.at[RowSums::top_k] = above < top_k ? 1 : 0;
    }
    if (confusion != nullptr) add_count(confusion + wanted * (width > 2 ? width : 2) + taken);
  }
};

// Sums of segments of values, in f64: what operator() says of each, in a fixed order, then finish()
// once for each segment.
//
// Sums over rows, added to those of the steps before: a segment for each number of RowSums.
struct AddRows {
  std::int64_t rows = 0;
  const RowSums* of_rows = nullptr;
  RowSums* all = nullptr;
  std::uint32_t* halt = nullptr;  // becomes 1 if the loss is not finite; null: nobody asks

  HEADRACE_HOST_DEVICE std::int64_t segments() const { return RowSums::count; }
  HEADRACE_HOST_DEVICE std::int64_t size(std::int64_t) const { return rows; }
  HEADRACE_HOST_DEVICE double operator()(std::int64_t segment, std::int64_t row) const {
    return of_rows[row].at[segment];
  }
  HEADRACE_HOST_DEVICE void finish(std::int64_t segment, double sum) const {
    all->at[segment] += sum;
    if (halt != nullptr && segment == RowSums::loss && !is_finite(sum)) *halt = 1;
  }
};

}  // namespace headrace::gpu
