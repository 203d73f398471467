#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace headrace {

// Optimizers as values, with Keras 3's formulas, order of operations and defaults. t counts steps
// from 1; g is the gradient of the mean loss. One step: gradients are clipped, weights decay, the
// optimizer's own formula moves them, their averages follow.

// What all optimizers can do. 0 turns a number off.
struct UpdateOptions {
  // At most one of the three. Values beyond +-clipvalue are cut off; a gradient whose norm is
  // larger is scaled down to clipnorm, each parameter's by itself; with global_clipnorm all
  // parameters' gradients are taken as one.
  double clipvalue = 0;
  double clipnorm = 0;
  double global_clipnorm = 0;
  // Parameters in whose name ("conv2d/bias") one of these occurs do not decay.
  std::vector<std::string> exclude_from_weight_decay = {};
  // Averages of the weights: a = momentum a + (1 - momentum) w after each step, beginning with the
  // first step's weights. Models are evaluated and saved with them. Every so many steps
  // (ema_overwrite_frequency) the weights become their averages.
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::uint64_t ema_overwrite_frequency = 0;
};

// v = momentum v - lr g;  w += v  (Nesterov: w += momentum v - lr g). Without momentum w -= lr g.
// Of all: before that w -= weight_decay lr w.
struct Sgd {
  double learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
  UpdateOptions update = {};
};

// Kingma and Ba 2015, in Keras' form: m += (1-b1)(g-m);  s += (1-b2)(g^2-s);
// w -= lr sqrt(1-b2^t)/(1-b1^t) m / (sqrt(s) + epsilon).
struct Adam {
  double learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  double weight_decay = 0;
  UpdateOptions update = {};
};

// Adam that decays unless told otherwise (Loshchilov and Hutter 2019).
struct AdamW {
  double learning_rate = 0.001;
  double weight_decay = 0.004;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  UpdateOptions update = {};
};

// s = rho s + (1-rho) g^2;  u = lr g / sqrt(s + epsilon);  with momentum v = momentum v + u,
// w -= v, else w -= u. Centered: a = rho a + (1-rho) g, and s - a^2 stands in the root for s.
struct RmsProp {
  double learning_rate = 0.001;
  double rho = 0.9;
  double momentum = 0;
  double epsilon = 1e-7;
  bool centered = false;
  double weight_decay = 0;
  UpdateOptions update = {};
};

using Optimizer = std::variant<Sgd, Adam, AdamW, RmsProp>;

double learning_rate(const Optimizer& optimizer);
void set_learning_rate(Optimizer& optimizer, double value);
double weight_decay(const Optimizer& optimizer);
void set_weight_decay(Optimizer& optimizer, double value);
const UpdateOptions& update_options(const Optimizer& optimizer);
UpdateOptions& update_options(Optimizer& optimizer);

std::string_view name(const Optimizer& optimizer);  // "sgd", "adam", "adamw", "rmsprop"
std::vector<std::string> optimizer_names();
// The optimizer of that name with Keras' defaults; throws Error{invalid_argument} listing names.
Optimizer make_optimizer(std::string_view name);
// Throws Error{invalid_argument} saying which value makes no sense.
void check(const Optimizer& optimizer);

// Whether a parameter of that name decays, if any does.
bool decays(const UpdateOptions& options, std::string_view parameter);
// Values of state kept for each parameter: momentum, m and s, ... and, last, the average.
int state_slots(const Optimizer& optimizer);

}  // namespace headrace
