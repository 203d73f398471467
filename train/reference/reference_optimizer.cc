#include "headrace/train/reference/reference_optimizer.h"

#include <cmath>

namespace headrace::reference {
namespace {

void update(const Sgd& sgd, int, const Values& g, Values& w, std::vector<Values>& slots) {
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double change = sgd.learning_rate * g[i];
    if (sgd.momentum == 0) {
      w[i] -= change;
      continue;
    }
    double& v = slots[0][i];
    v = sgd.momentum * v - change;
    w[i] += sgd.nesterov ? sgd.momentum * v - change : v;
  }
}

void update(const Adam& adam, int t, const Values& g, Values& w, std::vector<Values>& slots) {
  const double rate =
      adam.learning_rate * std::sqrt(1 - std::pow(adam.beta_2, t)) / (1 - std::pow(adam.beta_1, t));
  for (std::size_t i = 0; i < w.size(); ++i) {
    double &m = slots[0][i], &s = slots[1][i];
    m += (1 - adam.beta_1) * (g[i] - m);
    s += (1 - adam.beta_2) * (g[i] * g[i] - s);
    w[i] -= rate * m / (std::sqrt(s) + adam.epsilon);
  }
}

void update(const RmsProp& rms, int, const Values& g, Values& w, std::vector<Values>& slots) {
  for (std::size_t i = 0; i < w.size(); ++i) {
    double& s = slots[0][i];
    s = rms.rho * s + (1 - rms.rho) * g[i] * g[i];
    double change = rms.learning_rate * g[i] / std::sqrt(s + rms.epsilon);
    if (rms.momentum != 0) change = slots[1][i] = rms.momentum * slots[1][i] + change;
    w[i] -= change;
  }
}

}  // namespace

void update(const Optimizer& optimizer, int t, const Values& gradient, Values& parameter,
            std::vector<Values>& slots) {
  std::visit([&](const auto& kind) { update(kind, t, gradient, parameter, slots); }, optimizer);
}

}  // namespace headrace::reference
