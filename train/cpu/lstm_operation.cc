#include "headrace/train/cpu/lstm_operation.h"

#include <algorithm>

#include "headrace/train/cpu/clones.h"
#include "headrace/train/cpu/elementwise.h"
#include "headrace/train/cpu/fast_functions.h"
#include "headrace/train/cpu/onednn.h"

namespace headrace::cpu {

namespace lstm {

// One row at one time: from the sums z in `gates`, which become i, f, c, o, and the cells before
// (null: zero).
HEADRACE_CLONES
void step(std::int64_t units, float* gates, const float* before, float* cells, float* states) {
  float* i = gates;
  float* f = gates + units;
  float* c = gates + 2 * units;
  float* o = gates + 3 * units;
  for (std::int64_t u = 0; u < units; ++u) {
    i[u] = logistic(i[u]);
    f[u] = logistic(f[u]);
    c[u] = hyperbolic_tangent(c[u]);
    o[u] = logistic(o[u]);
    cells[u] = f[u] * (before != nullptr ? before[u] : 0.0f) + i[u] * c[u];
    states[u] = o[u] * hyperbolic_tangent(cells[u]);
  }
}

// Gates become the gradients of their sums; `slope`, that of the cells, becomes that of the cells
// before.
HEADRACE_CLONES
void step_backward(std::int64_t units, float* gates, const float* before, const float* cells,
                   const float* state_slope, float* slope) {
  float* i = gates;
  float* f = gates + units;
  float* c = gates + 2 * units;
  float* o = gates + 3 * units;
  for (std::int64_t u = 0; u < units; ++u) {
    const float t = hyperbolic_tangent(cells[u]);
    const float dh = state_slope[u];
    const float dc = slope[u] + dh * o[u] * (1.0f - t * t);
    slope[u] = dc * f[u];
    const float di = dc * c[u] * i[u] * (1.0f - i[u]);
    f[u] = dc * (before != nullptr ? before[u] : 0.0f) * f[u] * (1.0f - f[u]);
    c[u] = dc * i[u] * (1.0f - c[u] * c[u]);
    o[u] = dh * t * o[u] * (1.0f - o[u]);
    i[u] = di;
  }
}

}  // namespace lstm

void LstmOperation::forward(const Block& block) const {
  const std::int64_t units = spec_.units, times = spec_.times, rows = block.rows;
  float* gates = block.data(spec_.gates);
  float* cells = block.data(spec_.cells);
  float* states = block.data(spec_.states);
  const float* recurrent = block.parameters + spec_.recurrent_kernel;
  multiply(rows * times, 4 * units, spec_.features, {block.data(spec_.x), spec_.features},
           {block.parameters + spec_.kernel, 4 * units}, 0.0f, gates);
  if (spec_.use_bias) {
    add_bias(block.parameters + spec_.bias, static_cast<std::size_t>(rows * times),
             static_cast<std::size_t>(4 * units), false, gates);
  }
  for (std::int64_t time = 0; time < times; ++time) {
    if (time > 0) {
      multiply(rows, 4 * units, units, {states + (time - 1) * units, times * units},
               {recurrent, 4 * units}, 1.0f, gates + time * 4 * units, times * 4 * units);
    }
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t at = (row * times + time) * units;
      lstm::step(units, gates + 4 * at, time > 0 ? cells + at - units : nullptr, cells + at,
                 states + at);
    }
  }
  if (spec_.return_sequences) {
    copy(cpu::at(block, spec_.states), cpu::at(block, spec_.y), 1, rows * times * units);
  } else {
    copy({states + (times - 1) * units, Type::f32, times * units}, cpu::at(block, spec_.y), rows,
         units);
  }
}

void LstmOperation::backward(const Block& block) const {
  const std::int64_t units = spec_.units, times = spec_.times, rows = block.rows;
  float* gates = block.data(spec_.gates);
  const float* cells = block.data(spec_.cells);
  const float* states = block.data(spec_.states);
  const float* dy = block.data(spec_.dy);
  const float* recurrent = block.parameters + spec_.recurrent_kernel;
  float* state_slopes = reinterpret_cast<float*>(block.scratch);
  float* cell_slopes = state_slopes + rows * units;
  std::fill_n(state_slopes, 2 * rows * units, 0.0f);
  for (std::int64_t time = times; time-- > 0;) {
    if (spec_.return_sequences || time + 1 == times) {
      const std::int64_t length = spec_.return_sequences ? times * units : units;
      const float* here = dy + (spec_.return_sequences ? time * units : 0);
      for (std::int64_t row = 0; row < rows; ++row) {
        add(here + row * length, static_cast<std::size_t>(units), state_slopes + row * units);
      }
    }
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t at = (row * times + time) * units;
      lstm::step_backward(units, gates + 4 * at, time > 0 ? cells + at - units : nullptr,
                          cells + at, state_slopes + row * units, cell_slopes + row * units);
    }
    if (time > 0) {
      multiply(rows, units, 4 * units, {gates + time * 4 * units, times * 4 * units},
               {recurrent, 4 * units, true}, 0.0f, state_slopes);
    }
  }
  for (std::int64_t row = 0; times > 1 && row < rows; ++row) {
    multiply(units, 4 * units, times - 1, {states + row * times * units, units, true},
             {gates + (row * times + 1) * 4 * units, 4 * units}, 1.0f,
             block.gradients + spec_.recurrent_kernel);
  }
  multiply(spec_.features, 4 * units, rows * times, {block.data(spec_.x), spec_.features, true},
           {gates, 4 * units}, 1.0f, block.gradients + spec_.kernel);
  if (spec_.use_bias) {
    add_rows(gates, static_cast<std::size_t>(rows * times), static_cast<std::size_t>(4 * units),
             block.gradients + spec_.bias);
  }
  if (!spec_.dx) return;
  multiply(rows * times, spec_.features, 4 * units, {gates, 4 * units},
           {block.parameters + spec_.kernel, 4 * units, true}, 0.0f, block.data(spec_.dx));
}

Operation::Work LstmOperation::work() const {
  const std::int64_t inputs = spec_.times * spec_.features * 4 * spec_.units;
  const std::int64_t states = spec_.times * spec_.units * 4 * spec_.units;
  return {inputs + states, (spec_.dx ? 2 : 1) * inputs + 2 * states};
}

std::size_t LstmOperation::scratch_bytes(std::int64_t rows) const {
  return static_cast<std::size_t>(2 * rows * spec_.units) * sizeof(float);
}

}  // namespace headrace::cpu
