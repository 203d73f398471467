#include "headrace/train/cpu/optimizer_step.h"

#include <cmath>

#include "headrace/train/cpu/clones.h"

namespace headrace::cpu {

// Each kind as one pass over its arrays, `n` elements.
namespace passes {

HEADRACE_CLONES
void sgd(std::size_t n, const float* __restrict g, float* __restrict w, float rate) {
  for (std::size_t i = 0; i < n; ++i) w[i] -= rate * g[i];
}

HEADRACE_CLONES
void momentum(std::size_t n, const float* __restrict g, float* __restrict w, float* __restrict v,
              float rate, float decay) {
  for (std::size_t i = 0; i < n; ++i) {
    v[i] = decay * v[i] - rate * g[i];
    w[i] += v[i];
  }
}

HEADRACE_CLONES
void nesterov(std::size_t n, const float* __restrict g, float* __restrict w, float* __restrict v,
              float rate, float decay) {
  for (std::size_t i = 0; i < n; ++i) {
    const float change = rate * g[i];
    v[i] = decay * v[i] - change;
    w[i] += decay * v[i] - change;
  }
}

HEADRACE_CLONES
void adam(std::size_t n, const float* __restrict g, float* __restrict w, float* __restrict m,
          float* __restrict s, float rate, float keep_1, float keep_2, float epsilon) {
  for (std::size_t i = 0; i < n; ++i) {
    m[i] += keep_1 * (g[i] - m[i]);
    s[i] += keep_2 * (g[i] * g[i] - s[i]);
    w[i] -= rate * m[i] / (std::sqrt(s[i]) + epsilon);
  }
}

HEADRACE_CLONES
void rmsprop(std::size_t n, const float* __restrict g, float* __restrict w, float* __restrict s,
             float rate, float rho, float keep, float epsilon) {
  for (std::size_t i = 0; i < n; ++i) {
    s[i] = rho * s[i] + keep * g[i] * g[i];
    w[i] -= rate * g[i] / std::sqrt(s[i] + epsilon);
  }
}

HEADRACE_CLONES
void rmsprop_momentum(std::size_t n, const float* __restrict g, float* __restrict w,
                      float* __restrict s, float* __restrict v, float rate, float rho, float keep,
                      float epsilon, float decay) {
  for (std::size_t i = 0; i < n; ++i) {
    s[i] = rho * s[i] + keep * g[i] * g[i];
    v[i] = decay * v[i] + rate * g[i] / std::sqrt(s[i] + epsilon);
    w[i] -= v[i];
  }
}

}  // namespace passes

namespace {

struct Arrays {
  std::size_t first;
  std::size_t size;
  const float* gradients;
  float* parameters;
  std::span<float* const> slots;

  const float* g() const { return gradients + first; }
  float* w() const { return parameters + first; }
  float* slot(std::size_t k) const { return slots[k] + first; }
};

float narrow(double value) { return static_cast<float>(value); }

void run(const Sgd& sgd, double rate, std::uint64_t, const Arrays& a) {
  if (sgd.momentum == 0) {
    passes::sgd(a.size, a.g(), a.w(), narrow(rate));
  } else if (sgd.nesterov) {
    passes::nesterov(a.size, a.g(), a.w(), a.slot(0), narrow(rate), narrow(sgd.momentum));
  } else {
    passes::momentum(a.size, a.g(), a.w(), a.slot(0), narrow(rate), narrow(sgd.momentum));
  }
}

void run(const Adam& adam, double rate, std::uint64_t step, const Arrays& a) {
  const auto t = static_cast<double>(step);
  const double corrected =
      rate * std::sqrt(1 - std::pow(adam.beta_2, t)) / (1 - std::pow(adam.beta_1, t));
  passes::adam(a.size, a.g(), a.w(), a.slot(0), a.slot(1), narrow(corrected),
               narrow(1 - adam.beta_1), narrow(1 - adam.beta_2), narrow(adam.epsilon));
}

void run(const RmsProp& rms, double rate, std::uint64_t, const Arrays& a) {
  const float rho = narrow(rms.rho), keep = narrow(1 - rms.rho), epsilon = narrow(rms.epsilon);
  if (rms.momentum == 0) {
    passes::rmsprop(a.size, a.g(), a.w(), a.slot(0), narrow(rate), rho, keep, epsilon);
  } else {
    passes::rmsprop_momentum(a.size, a.g(), a.w(), a.slot(0), a.slot(1), narrow(rate), rho, keep,
                             epsilon, narrow(rms.momentum));
  }
}

}  // namespace

void optimizer_step(const Optimizer& optimizer, double learning_rate, std::uint64_t step,
                    std::size_t first, std::size_t last, const float* gradients, float* parameters,
                    std::span<float* const> slots) {
  const Arrays arrays{first, last - first, gradients, parameters, slots};
  std::visit([&](const auto& kind) { run(kind, learning_rate, step, arrays); }, optimizer);
}

}  // namespace headrace::cpu
