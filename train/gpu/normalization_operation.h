#pragma once

#include <optional>

#include "headrace/train/gpu/operation.h"

namespace headrace::gpu {

struct NormalizationSpec {
  std::int64_t groups = 0;  // of `channels` values, of a row
  std::int64_t channels = 0;
  double momentum = 0;
  double epsilon = 0;
  bool scale = true;  // has gamma
  bool center = true;
  bool relu = false;
  std::size_t gamma = 0, beta = 0, moving_mean = 0, moving_variance = 0;  // in the arena
  std::optional<std::size_t> offset = {};  // NormState's; none: nothing is lacking
  View x, dx;                              // dx none: not asked for
  View y;
  View other, other_gradient;  // added before relu; none: nothing, not asked for
  View y_gradients[2];         // the gradient of y is their sum
  StatePlace state = 0;        // of state_arrays times the channels

  static constexpr std::size_t state_arrays = 8;
};

// Batch normalisation, and the sum and relu after it: one pass over the values that adds up each
// channel's moments, one that normalises; backward one that adds up slopes, and one that makes the
// gradient from them.
class NormalizationOperation : public Operation {
 public:
  explicit NormalizationOperation(const NormalizationSpec& spec) : spec_(spec) {}
  void forward(const Pass& pass) const override;
  void backward(const Pass& pass) const override;
  void update(const Pass& pass, float* parameters) const override;
  // The first two arrays of the state.
  Means means() const override {
    return {spec_.state, 2 * static_cast<std::size_t>(spec_.channels)};
  }

 private:
  NormState state(const Pass& pass) const;

  NormalizationSpec spec_;
};

}  // namespace headrace::gpu
