#include "headrace/train/reference/reference_optimizer.h"

#include <algorithm>
#include <cmath>
#include <span>

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

template <class AnyAdam>
void update_adam(const AnyAdam& adam, int t, const Values& g, Values& w,
                 std::vector<Values>& slots) {
  const double rate =
      adam.learning_rate * std::sqrt(1 - std::pow(adam.beta_2, t)) / (1 - std::pow(adam.beta_1, t));
  for (std::size_t i = 0; i < w.size(); ++i) {
    double &m = slots[0][i], &s = slots[1][i];
    m += (1 - adam.beta_1) * (g[i] - m);
    s += (1 - adam.beta_2) * (g[i] * g[i] - s);
    w[i] -= rate * m / (std::sqrt(s) + adam.epsilon);
  }
}
void update(const Adam& adam, int t, const Values& g, Values& w, std::vector<Values>& slots) {
  update_adam(adam, t, g, w, slots);
}
void update(const AdamW& adam, int t, const Values& g, Values& w, std::vector<Values>& slots) {
  update_adam(adam, t, g, w, slots);
}

void update(const RmsProp& rms, int, const Values& g, Values& w, std::vector<Values>& slots) {
  for (std::size_t i = 0; i < w.size(); ++i) {
    double& s = slots[0][i];
    s = rms.rho * s + (1 - rms.rho) * g[i] * g[i];
    double variance = s;
    if (rms.centered) {
      double& mean = slots[rms.momentum != 0 ? 2 : 1][i];
      mean = rms.rho * mean + (1 - rms.rho) * g[i];
      variance -= mean * mean;
    }
    double change = rms.learning_rate * g[i] / std::sqrt(variance + rms.epsilon);
    if (rms.momentum != 0) change = slots[1][i] = rms.momentum * slots[1][i] + change;
    w[i] -= change;
  }
}

void average(const UpdateOptions& options, int t, Values& w, Values& averages) {
  const double keep = t == 1 ? 0 : options.ema_momentum;
  const auto every = static_cast<int>(options.ema_overwrite_frequency);
  for (std::size_t i = 0; i < w.size(); ++i) {
    averages[i] = keep * averages[i] + (1 - keep) * w[i];
    if (every > 0 && t % every == 0) w[i] = averages[i];
  }
}

double norm(std::span<const Values> gradients) {
  double sum = 0;
  for (const Values& values : gradients) {
    for (const double value : values) sum += value * value;
  }
  return std::sqrt(sum);
}

}  // namespace

void clip(const UpdateOptions& options, std::vector<Values>& gradients) {
  const double all = norm(gradients);
  for (Values& values : gradients) {
    const double most = std::max(options.clipnorm, options.global_clipnorm);
    const double length = options.clipnorm > 0 ? norm({&values, 1}) : all;
    for (double& value : values) {
      if (most > 0 && length > most) value *= most / length;
      if (options.clipvalue > 0) {
        value = std::clamp(value, -options.clipvalue, options.clipvalue);
      }
    }
  }
}

void update(const Optimizer& optimizer, int t, const Values& gradient, Values& parameter,
            std::vector<Values>& slots, const std::string& name) {
  const UpdateOptions& options = update_options(optimizer);
  if (decays(options, name)) {
    for (double& w : parameter) w -= weight_decay(optimizer) * learning_rate(optimizer) * w;
  }
  std::visit([&](const auto& kind) { update(kind, t, gradient, parameter, slots); }, optimizer);
  if (options.use_ema) average(options, t, parameter, slots.back());
}

}  // namespace headrace::reference
