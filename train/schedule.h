#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace headrace {

// Learning rates as functions of how far a training is, with Keras' formulas and defaults. x counts
// steps, or epochs: see Schedule::unit.

// (initial - end) (1 - x / decay_steps)^power + end; `end` from there on, or, with `cycle`, again
// over the next multiple of decay_steps.
struct PolynomialDecay {
  double initial_learning_rate = 0;
  double decay_steps = 1;
  double end_learning_rate = 0.0001;
  double power = 1;
  bool cycle = false;
};
// initial ((1 - alpha) (1 + cos(pi x / decay_steps)) / 2 + alpha); its last value from there on.
struct CosineDecay {
  double initial_learning_rate = 0;
  double decay_steps = 1;
  double alpha = 0;
};
// initial decay_rate^(x / decay_steps); the exponent rounded down with `staircase`.
struct ExponentialDecay {
  double initial_learning_rate = 0;
  double decay_steps = 1;
  double decay_rate = 1;
  bool staircase = false;
};
// values[i] for the first i with x <= boundaries[i], the last value beyond them all.
struct PiecewiseConstantDecay {
  std::vector<double> boundaries = {};
  std::vector<double> values = {};  // one more than boundaries
};
struct ConstantRate {
  double learning_rate = 0;
};
// Any function of x. It cannot be saved: who resumes such a training gives it again.
using RateFunction = std::function<double(double x)>;

enum class ScheduleUnit : std::uint8_t { step, epoch };

struct Schedule {
  std::variant<ConstantRate, PolynomialDecay, CosineDecay, ExponentialDecay, PiecewiseConstantDecay,
               RateFunction>
      rate = ConstantRate{};
  // Steps of the whole training, or whole epochs: the rate then stays during an epoch.
  ScheduleUnit unit = ScheduleUnit::step;
  // The first so many units lead from warmup_from to the rate at 0 in a straight line; `rate`
  // begins after them.
  double warmup = 0;
  double warmup_from = 0;

  // The learning rate of a step, both counted from 0.
  double operator()(std::uint64_t epoch, std::uint64_t step) const;
};

// Throws Error{invalid_argument} saying what makes no sense.
void check(const Schedule& schedule);

// A schedule from one line: a kind, then what it is made of by name.
//   polynomial:initial=0.005,end=0,power=1,over=70
//   cosine:initial=0.1,over=1000,alpha=0.01,unit=step,warmup=5,from=0.01
//   exponential:initial=0.1,rate=0.96,over=1,staircase=true
//   piecewise:values=0.1/0.01/0.001,boundaries=30/60
//   constant:rate=0.1,warmup=5
// What is left out: initial and rate from `initial`, `over` from `epochs` (of the unit epoch; with
// unit=step it must be given); end is 0, power 1, unit epoch.
// Throws Error{invalid_argument} saying what of the line cannot be read.
Schedule parse_schedule(std::string_view line, double initial, std::uint64_t epochs);

// The other way, with all that was left out; "function" if it cannot be written.
std::string to_string(const Schedule& schedule);

}  // namespace headrace
