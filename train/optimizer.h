#pragma once

#include <string>
#include <string_view>
#include <variant>

namespace headrace {

// Optimizers as values, with Keras 3's formulas and defaults. t counts steps from 1; g is the
// gradient of the mean loss; all elementwise over the flat arena.

// v = momentum v - lr g;  w += v  (Nesterov: w += momentum v - lr g). Without momentum w -= lr g.
struct Sgd {
  double learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
};

// Kingma and Ba 2015, in Keras' form: m += (1-b1)(g-m);  s += (1-b2)(g^2-s);
// w -= lr sqrt(1-b2^t)/(1-b1^t) m / (sqrt(s) + epsilon).
struct Adam {
  double learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
};

// s = rho s + (1-rho) g^2;  u = lr g / sqrt(s + epsilon);  with momentum v = momentum v + u,
// w -= v, else w -= u.
struct RmsProp {
  double learning_rate = 0.001;
  double rho = 0.9;
  double momentum = 0;
  double epsilon = 1e-7;
};

using Optimizer = std::variant<Sgd, Adam, RmsProp>;

double learning_rate(const Optimizer& optimizer);
void set_learning_rate(Optimizer& optimizer, double value);
std::string_view name(const Optimizer& optimizer);  // "sgd", "adam", "rmsprop"
// The optimizer of that name with Keras' defaults; throws Error{invalid_argument} listing names.
Optimizer make_optimizer(std::string_view name);
// Values of state kept for each parameter: momentum, m and s, ...
int state_slots(const Optimizer& optimizer);

}  // namespace headrace
