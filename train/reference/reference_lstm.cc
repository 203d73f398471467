#include <array>
#include <cmath>

#include "headrace/train/reference/reference_kernels.h"

namespace headrace::reference {
namespace {

// One row's states at one time, `units` values each; before the first time all are zero.
struct State {
  std::array<Values, 4> gates;  // after their functions, in Keras' order: i, f, c, o
  Values c;
  Values h;
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

State next_state(const Use& use, const LSTM& layer, const double* x, const State& before) {
  const std::size_t units = at(layer.units()), features = at(use.input()[1]);
  State now;
  for (std::size_t gate = 0; gate < 4; ++gate) {
    for (std::size_t unit = 0; unit < units; ++unit) {
      const std::size_t column = gate * units + unit;
      double z = layer.use_bias() ? use.parameters[2][column] : 0.0;
      for (std::size_t i = 0; i < features; ++i)
        z += x[i] * use.parameters[0][i * 4 * units + column];
      for (std::size_t i = 0; i < units; ++i) {
        z += before.h[i] * use.parameters[1][i * 4 * units + column];
      }
      now.gates[gate].push_back(gate == 2 ? std::tanh(z) : sigmoid(z));
    }
  }
  for (std::size_t unit = 0; unit < units; ++unit) {
    const auto& [i, f, c, o] = now.gates;
    now.c.push_back(f[unit] * before.c[unit] + i[unit] * c[unit]);
    now.h.push_back(o[unit] * std::tanh(now.c[unit]));
  }
  return now;
}

// States before the first time, and after each.
std::vector<State> states_of(const Use& use, const LSTM& layer, const double* x) {
  const std::size_t units = at(layer.units());
  std::vector<State> states(1);
  states[0].c.assign(units, 0.0);
  states[0].h.assign(units, 0.0);
  for (std::int64_t time = 0; time < use.input()[0]; ++time) {
    states.push_back(next_state(use, layer, x + time * use.input()[1], states.back()));
  }
  return states;
}

// The gradients of the four sums z, from those of h and c after a time; makes `dc` that before it.
Values gate_slopes(const State& before, const State& now, const Values& dh, Values& dc) {
  const std::size_t units = dh.size();
  Values dz(4 * units);
  for (std::size_t u = 0; u < units; ++u) {
    const double i = now.gates[0][u], f = now.gates[1][u], c = now.gates[2][u], o = now.gates[3][u];
    const double t = std::tanh(now.c[u]);
    dc[u] += dh[u] * o * (1 - t * t);
    dz[u] = dc[u] * c * i * (1 - i);
    dz[units + u] = dc[u] * before.c[u] * f * (1 - f);
    dz[2 * units + u] = dc[u] * i * (1 - c * c);
    dz[3 * units + u] = dh[u] * t * o * (1 - o);
    dc[u] *= f;
  }
  return dz;
}

// Of y += x kernel: adds what dy makes of the gradients of the kernel and of x.
void product_backward(const double* x, std::size_t inputs, const Values& kernel, const Values& dy,
                      Values& dkernel, double* dx) {
  for (std::size_t i = 0; i < inputs; ++i) {
    for (std::size_t j = 0; j < dy.size(); ++j) {
      dkernel[i * dy.size() + j] += x[i] * dy[j];
      dx[i] += kernel[i * dy.size() + j] * dy[j];
    }
  }
}

}  // namespace

Values forward(const Use& use, const LSTM& layer, const Values& x) {
  Values y;
  for (std::int64_t row = 0; row < use.rows; ++row) {
    const auto states = states_of(use, layer, &x[at(row * use.input().elements())]);
    for (std::size_t time = layer.return_sequences() ? 1 : states.size() - 1; time < states.size();
         ++time) {
      y.insert(y.end(), states[time].h.begin(), states[time].h.end());
    }
  }
  return y;
}

Values backward(const Use& use, const LSTM& layer, const Values& x, const Values&, const Values& dy,
                std::span<Values> gradients) {
  const std::size_t units = at(layer.units()), features = at(use.input()[1]);
  const std::size_t times = at(use.input()[0]);
  Values dx = zeros(use, use.input());
  for (std::size_t row = 0; row < at(use.rows); ++row) {
    const auto states = states_of(use, layer, &x[row * times * features]);
    const double* slopes = &dy[row * at(use.output.elements())];
    Values dh(units, 0.0), dc(units, 0.0);
    for (std::size_t time = times; time-- > 0;) {
      if (layer.return_sequences() || time + 1 == times) {
        const double* here = slopes + (layer.return_sequences() ? time * units : 0);
        for (std::size_t u = 0; u < units; ++u) dh[u] += here[u];
      }
      const Values dz = gate_slopes(states[time], states[time + 1], dh, dc);
      dh.assign(units, 0.0);
      const std::size_t first = (row * times + time) * features;
      product_backward(&x[first], features, use.parameters[0], dz, gradients[0], &dx[first]);
      product_backward(states[time].h.data(), units, use.parameters[1], dz, gradients[1],
                       dh.data());
      for (std::size_t j = 0; layer.use_bias() && j < dz.size(); ++j) gradients[2][j] += dz[j];
    }
  }
  return dx;
}

}  // namespace headrace::reference
