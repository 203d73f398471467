#pragma once

#include <cmath>

#include "headrace/train/gpu/kernels/functions.h"

namespace headrace::gpu {

// One time of an LSTM: sums z of all rows, in gates, become i, f, c, o. An item is a unit of a row.
struct LstmStep {
  std::int64_t rows = 0;
  std::uint32_t units = 0;
  float* gates = nullptr;         // rows x 4 units
  const float* before = nullptr;  // cells before; null: zero
  float* cells = nullptr;
  float* states = nullptr;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return rows * units; }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    float* z = gates + std::int64_t{item / units} * 4 * units + item % units;
    const float i = logistic(z[0]), f = logistic(z[units]);
    const float c = tanhf(z[2 * units]), o = logistic(z[3 * units]);
    const float cell = f * (before != nullptr ? before[item] : 0.0f) + i * c;
    z[0] = i;
    z[units] = f;
    z[2 * units] = c;
    z[3 * units] = o;
    cells[item] = cell;
    states[item] = o * tanhf(cell);
  }
};

// Gates become the gradients of their sums; the cells' slopes become those of the cells before.
struct LstmStepBackward {
  std::int64_t rows = 0;
  std::uint32_t units = 0;
  float* gates = nullptr;
  const float* before = nullptr;
  const float* cells = nullptr;
  const float* later = nullptr;  // slopes of the states from the next time; null: zero
  const float* dy = nullptr;     // rows x units, that of this time; null: zero
  bool first = false;            // time that backward sees: cell slopes are zero before it
  float* cell_slopes = nullptr;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return rows * units; }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    float* z = gates + std::int64_t{item / units} * 4 * units + item % units;
    const float i = z[0], f = z[units], c = z[2 * units], o = z[3 * units];
    const float t = tanhf(cells[item]);
    const float dh = (later != nullptr ? later[item] : 0.0f) + (dy != nullptr ? dy[item] : 0.0f);
    const float dc = (first ? 0.0f : cell_slopes[item]) + dh * o * (1.0f - t * t);
    cell_slopes[item] = dc * f;
    z[0] = dc * c * i * (1.0f - i);
    z[units] = dc * (before != nullptr ? before[item] : 0.0f) * f * (1.0f - f);
    z[2 * units] = dc * i * (1.0f - c * c);
    z[3 * units] = dh * t * o * (1.0f - o);
  }
};

}  // namespace headrace::gpu
