#include "headrace/train/gpu/layer_operations.h"

namespace headrace::gpu {
namespace {

Product product(const Pass& pass, std::int64_t rows, std::int64_t columns, std::int64_t inner,
                Product::Matrix a, Product::Matrix b, float beta, float* c) {
  Product made;
  made.rows = rows;
  made.columns = columns;
  made.inner = inner;
  made.a = a;
  made.b = b;
  made.c = c;
  made.c_stride = columns;
  made.beta = beta;
  made.math = pass.math;
  return made;
}

void add_bias_gradient(const Pass& pass, std::int64_t groups, std::int64_t width, const Array& dy,
                       std::size_t bias) {
  run_lanes<BiasSums>(pass, groups, width, {dy}, [&](auto& kernel) {
    kernel.dy = dy;
    kernel.gradient = pass.gradients + bias;
  });
}

// {first, second, width} to {second, first, width}.
void swap(const Pass& pass, std::int64_t first, std::int64_t second, std::int64_t width,
          const float* from, float* to) {
  Swap kernel;
  kernel.first = first;
  kernel.second = second;
  kernel.width = static_cast<std::uint32_t>(width);
  kernel.from = from;
  kernel.to = to;
  pass.engine.run(kernel);
}

}  // namespace

void DenseOperation::forward(const Pass& pass) const {
  Product forward = product(pass, pass.rows * spec_.groups, spec_.units, spec_.inputs,
                            {pass.data(spec_.x), spec_.inputs},
                            {pass.parameters + spec_.kernel, spec_.units}, 0, pass.data(spec_.y));
  if (spec_.use_bias) forward.bias = pass.parameters + spec_.bias;
  forward.relu = spec_.relu;
  pass.engine.run(forward);
}

void DenseOperation::backward(const Pass& pass) const {
  const std::int64_t groups = pass.rows * spec_.groups;
  Array dy = pass.array(spec_.dy);
  dy.stride = spec_.units;
  if (spec_.relu) {
    Array y = pass.array(spec_.y);
    y.stride = spec_.units;
    run_lanes<Spread>(pass, groups, spec_.units, {y, dy}, [&](auto& kernel) {
      kernel.y = y;
      kernel.dy = dy;
      kernel.dx[0] = dy;
    });
  }
  if (spec_.use_bias) add_bias_gradient(pass, groups, spec_.units, dy, spec_.bias);
  const float* slopes = pass.data(spec_.dy);
  pass.engine.run(product(pass, spec_.inputs, spec_.units, groups,
                          {pass.data(spec_.x), spec_.inputs, true}, {slopes, spec_.units}, 1,
                          pass.gradients + spec_.kernel));
  if (!spec_.dx) return;
  pass.engine.run(product(pass, groups, spec_.inputs, spec_.units, {slopes, spec_.units},
                          {pass.parameters + spec_.kernel, spec_.units, true}, 0,
                          pass.data(spec_.dx)));
}

void LstmOperation::forward(const Pass& pass) const {
  const std::int64_t units = spec_.units, times = spec_.times, rows = pass.rows;
  float* inputs = pass.data(spec_.inputs);
  float* gates = pass.data(spec_.gates);
  float* cells = pass.data(spec_.cells);
  float* states = pass.data(spec_.states);
  float* y = pass.data(spec_.y);
  swap(pass, rows, times, spec_.features, pass.data(spec_.x), inputs);
  Product sums = product(pass, times * rows, 4 * units, spec_.features, {inputs, spec_.features},
                         {pass.parameters + spec_.kernel, 4 * units}, 0, gates);
  if (spec_.use_bias) sums.bias = pass.parameters + spec_.bias;
  pass.engine.run(sums);
  for (std::int64_t time = 0; time < times; ++time) {
    const std::int64_t at = time * rows * units;
    if (time > 0) {
      pass.engine.run(product(pass, rows, 4 * units, units, {states + at - rows * units, units},
                              {pass.parameters + spec_.recurrent_kernel, 4 * units}, 1,
                              gates + 4 * at));
    }
    LstmStep step;
    step.rows = rows;
    step.units = static_cast<std::uint32_t>(units);
    step.gates = gates + 4 * at;
    step.before = time > 0 ? cells + at - rows * units : nullptr;
    step.cells = cells + at;
    step.states = states + at;
    pass.engine.run(step);
  }
  if (spec_.return_sequences) {
    swap(pass, times, rows, units, states, y);
  } else {
    swap(pass, 1, 1, rows * units, states + (times - 1) * rows * units, y);
  }
}

void LstmOperation::backward(const Pass& pass) const {
  backward_in_time(pass);
  add_gradients(pass);
  if (!spec_.dx) return;
  const std::int64_t all = spec_.times * pass.rows;
  float* inputs = pass.data(spec_.inputs);
  pass.engine.run(product(pass, all, spec_.features, 4 * spec_.units,
                          {pass.data(spec_.gates), 4 * spec_.units},
                          {pass.parameters + spec_.kernel, 4 * spec_.units, true}, 0, inputs));
  swap(pass, spec_.times, pass.rows, spec_.features, inputs, pass.data(spec_.dx));
}

// Gates become the gradients of their sums.
void LstmOperation::backward_in_time(const Pass& pass) const {
  const std::int64_t units = spec_.units, times = spec_.times, rows = pass.rows;
  float* gates = pass.data(spec_.gates);
  const float* cells = pass.data(spec_.cells);
  float* later = pass.data(spec_.later);
  const float* dy = pass.data(spec_.dy);
  if (spec_.return_sequences) {
    float* slopes = pass.data(spec_.slopes);
    swap(pass, rows, times, units, dy, slopes);
    dy = slopes;
  }
  for (std::int64_t time = times; time-- > 0;) {
    const std::int64_t at = time * rows * units;
    const bool is_last = time + 1 == times;
    LstmStepBackward step;
    step.rows = rows;
    step.units = static_cast<std::uint32_t>(units);
    step.gates = gates + 4 * at;
    step.before = time > 0 ? cells + at - rows * units : nullptr;
    step.cells = cells + at;
    step.later = is_last ? nullptr : later;
    if (spec_.return_sequences) step.dy = dy + at;
    if (!spec_.return_sequences && is_last) step.dy = dy;
    step.first = is_last;
    step.cell_slopes = pass.data(spec_.cell_slopes);
    pass.engine.run(step);
    if (time == 0) break;
    pass.engine.run(product(pass, rows, units, 4 * units, {gates + 4 * at, 4 * units},
                            {pass.parameters + spec_.recurrent_kernel, 4 * units, true}, 0, later));
  }
}

void LstmOperation::add_gradients(const Pass& pass) const {
  const std::int64_t units = spec_.units, times = spec_.times, rows = pass.rows;
  const float* gates = pass.data(spec_.gates);
  if (times > 1) {
    pass.engine.run(
        product(pass, units, 4 * units, (times - 1) * rows, {pass.data(spec_.states), units, true},
                {gates + rows * 4 * units, 4 * units}, 1, pass.gradients + spec_.recurrent_kernel));
  }
  pass.engine.run(product(pass, spec_.features, 4 * units, times * rows,
                          {pass.data(spec_.inputs), spec_.features, true}, {gates, 4 * units}, 1,
                          pass.gradients + spec_.kernel));
  if (!spec_.use_bias) return;
  Array slopes = pass.array(spec_.gates);
  slopes.stride = 4 * units;
  add_bias_gradient(pass, times * rows, 4 * units, slopes, spec_.bias);
}

}  // namespace headrace::gpu
