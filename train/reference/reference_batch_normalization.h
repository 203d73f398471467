#pragma once

#include <span>

#include "headrace/train/layers/batch_normalization.h"
#include "headrace/train/reference/reference_layers.h"

namespace headrace::reference {

// Of each channel, over the rows of one replica or of all that are synchronised.
struct SlopeSums {
  Values dy;
  Values dy_normal;  // dy times the normalised value
  double count = 0;  // of values
};

struct Statistics {
  Values mean;
  Values variance;  // the biased one
  double count = 0;
};

// Of all rows of these replicas' values.
Statistics statistics_of(std::span<const Values* const> xs, std::size_t channels);

// y = gamma (x - mean) / sqrt(variance + epsilon) + beta
Values normalize(const Use& use, const BatchNormalization& layer, const Statistics& statistics,
                 const Values& x);

// Over all rows of these replicas.
SlopeSums slope_sums(const BatchNormalization& layer, const Statistics& statistics,
                     std::span<const Values* const> xs, std::span<const Values* const> dys);

// The gradient of x; adds those of gamma and beta, of the own rows, to `gradients`. `sums` are of
// all rows that the statistics are of; null: the statistics do not depend on x.
Values normalize_backward(const Use& use, const BatchNormalization& layer,
                          const Statistics& statistics, const Values& x, const Values& dy,
                          const SlopeSums* sums, std::span<Values> gradients);

// As for inference, by the moving statistics.
Values forward(const Use& use, const BatchNormalization& layer, const Values& x);
Values backward(const Use& use, const BatchNormalization& layer, const Values& x, const Values& y,
                const Values& dy, std::span<Values> gradients);

}  // namespace headrace::reference
