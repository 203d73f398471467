#include "headrace/train/gpu/normalization_operation.h"

namespace headrace::gpu {

NormState NormalizationOperation::state(const Pass& pass) const {
  float* at = pass.state + spec_.state;
  const auto next = [&] {
    float* const here = at;
    at += spec_.channels;
    return here;
  };
  NormState state;
  for (float** array : {&state.seen, &state.variance, &state.mean, &state.scale, &state.shift,
                        &state.factor, &state.constant, &state.linear}) {
    *array = next();
  }
  if (spec_.scale) state.gamma = pass.parameters + spec_.gamma;
  if (spec_.center) state.beta = pass.parameters + spec_.beta;
  if (spec_.offset) state.offset = pass.parameters + *spec_.offset;
  state.epsilon = spec_.epsilon;
  state.count = static_cast<double>(pass.rows * spec_.groups);
  return state;
}

void NormalizationOperation::forward(const Pass& pass) const {
  const NormState kept = state(pass);
  const std::int64_t groups = pass.rows * spec_.groups;
  const Array x = pass.array(spec_.x), y = pass.array(spec_.y), other = pass.array(spec_.other);
  if (pass.training) {
    run_lanes<Moments>(pass, groups, spec_.channels, {x}, [&](auto& kernel) {
      kernel.x = x;
      kernel.state = kept;
    });
  } else {
    UseMoving moving;
    moving.channels = static_cast<std::uint32_t>(spec_.channels);
    moving.mean = pass.parameters + spec_.moving_mean;
    moving.variance = pass.parameters + spec_.moving_variance;
    moving.state = kept;
    pass.engine.run(moving);
  }
  run_lanes<Normalise>(pass, groups, spec_.channels, {x, y, other}, [&](auto& kernel) {
    kernel.x = x;
    kernel.y = y;
    kernel.other = other;
    kernel.scale = kept.scale;
    kernel.shift = kept.shift;
    kernel.relu = spec_.relu;
  });
}

void NormalizationOperation::backward(const Pass& pass) const {
  const NormState kept = state(pass);
  const std::int64_t groups = pass.rows * spec_.groups;
  const Array x = pass.array(spec_.x);
  const Array parts[2] = {pass.array(spec_.y_gradients[0]), pass.array(spec_.y_gradients[1])};
  const Array y = spec_.relu ? pass.array(spec_.y) : Array{};
  // The whole slope is written where another wants it, or over one of two halves.
  Array total = pass.array(spec_.other_gradient);
  if (!spec_.other_gradient && spec_.y_gradients[1]) total = parts[0];
  run_lanes<Slopes>(pass, groups, spec_.channels, {x, y, parts[0], parts[1], total},
                    [&](auto& kernel) {
                      kernel.x = x;
                      kernel.slope = {{parts[0], parts[1]}, y};
                      kernel.total = total;
                      kernel.state = kept;
                      if (spec_.scale) kernel.gamma_gradient = pass.gradients + spec_.gamma;
                      if (spec_.center) kernel.beta_gradient = pass.gradients + spec_.beta;
                    });
  if (!spec_.dx) return;
  const Array dx = pass.array(spec_.dx);
  run_lanes<NormaliseBackward>(pass, groups, spec_.channels, {x, dx, y, parts[0], parts[1], total},
                               [&](auto& kernel) {
                                 kernel.x = x;
                                 kernel.dx = dx;
                                 if (total) {
                                   kernel.slope = {{total, {}}, {}};
                                 } else {
                                   kernel.slope = {{parts[0], {}}, y};
                                 }
                                 kernel.state = kept;
                               });
}

void NormalizationOperation::update(const Pass& pass, float* parameters) const {
  const NormState kept = state(pass);
  MoveStatistics move;
  move.channels = static_cast<std::uint32_t>(spec_.channels);
  move.momentum = spec_.momentum;
  move.mean = kept.seen;
  move.variance = kept.variance;
  move.moving_mean = parameters + spec_.moving_mean;
  move.moving_variance = parameters + spec_.moving_variance;
  move.halt = pass.halt;
  pass.engine.run(move);
}

}  // namespace headrace::gpu
