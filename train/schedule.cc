#include "headrace/train/schedule.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <numbers>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::invalid_argument, "schedule: " + what);
}

double at(const ConstantRate& rate, double) { return rate.learning_rate; }

double at(const PolynomialDecay& decay, double x) {
  double over = decay.decay_steps;
  if (decay.cycle) {
    over *= std::max(1.0, std::ceil(x / over));
  } else {
    x = std::min(x, over);
  }
  return (decay.initial_learning_rate - decay.end_learning_rate) *
             std::pow(1 - x / over, decay.power) +
         decay.end_learning_rate;
}

double at(const CosineDecay& decay, double x) {
  const double part = std::min(x, decay.decay_steps) / decay.decay_steps;
  const double fall = (1 + std::cos(std::numbers::pi * part)) / 2;
  return decay.initial_learning_rate * ((1 - decay.alpha) * fall + decay.alpha);
}

double at(const ExponentialDecay& decay, double x) {
  const double power = x / decay.decay_steps;
  return decay.initial_learning_rate *
         std::pow(decay.decay_rate, decay.staircase ? std::floor(power) : power);
}

double at(const PiecewiseConstantDecay& decay, double x) {
  const auto& ends = decay.boundaries;
  const auto piece = std::lower_bound(ends.begin(), ends.end(), x) - ends.begin();
  return decay.values[static_cast<std::size_t>(piece)];
}

double at(const RateFunction& function, double x) { return function(x); }

void check_rate(double value) {
  if (!std::isfinite(value) || value < 0) {
    refuse("a learning rate of " + std::to_string(value) + ": it must be 0 or more");
  }
}
void check_steps(double steps) {
  if (!(steps > 0) || !std::isfinite(steps)) refuse("it decays over nothing: give more than 0");
}

void check_kind(const ConstantRate& rate) { check_rate(rate.learning_rate); }
void check_kind(const PolynomialDecay& decay) {
  check_steps(decay.decay_steps);
  check_rate(decay.initial_learning_rate);
  check_rate(decay.end_learning_rate);
  if (!(decay.power >= 0)) refuse("a power of " + std::to_string(decay.power));
}
void check_kind(const CosineDecay& decay) {
  check_steps(decay.decay_steps);
  check_rate(decay.initial_learning_rate);
  check_rate(decay.alpha);
}
void check_kind(const ExponentialDecay& decay) {
  check_steps(decay.decay_steps);
  check_rate(decay.initial_learning_rate);
  if (!(decay.decay_rate > 0)) refuse("a decay rate of " + std::to_string(decay.decay_rate));
}
void check_kind(const PiecewiseConstantDecay& decay) {
  if (decay.values.size() != decay.boundaries.size() + 1) {
    refuse(std::to_string(decay.values.size()) + " values and " +
           std::to_string(decay.boundaries.size()) +
           " boundaries: there must be one value more than boundaries");
  }
  if (!std::is_sorted(decay.boundaries.begin(), decay.boundaries.end())) {
    refuse("the boundaries must rise");
  }
  for (const double value : decay.values) check_rate(value);
}
void check_kind(const RateFunction& function) {
  if (!function) refuse("an empty function");
}

// The words of a line, each asked for at most once.
class Words {
 public:
  explicit Words(std::string_view line) {
    const std::size_t colon = line.find(':');
    kind = line.substr(0, colon);
    std::string_view rest = colon == line.npos ? "" : line.substr(colon + 1);
    while (!rest.empty()) {
      const std::string_view word = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), word.size() + 1));
      const std::size_t equals = word.find('=');
      if (equals == word.npos || equals == 0 || equals + 1 == word.size()) {
        refuse("'" + std::string(word) + "' should read name=value");
      }
      const auto [place, fresh] = values_.emplace(word.substr(0, equals), word.substr(equals + 1));
      if (!fresh) refuse("'" + place->first + "' is given twice");
    }
  }

  bool has(const std::string& name) const { return values_.count(name) > 0; }
  std::string text(const std::string& name, const std::string& otherwise) {
    const auto found = values_.find(name);
    if (found == values_.end()) return otherwise;
    const std::string value = found->second;
    values_.erase(found);
    return value;
  }
  double number(const std::string& name, double otherwise) {
    return has(name) ? to_number(name, text(name, "")) : otherwise;
  }
  bool flag(const std::string& name) {
    const std::string value = text(name, "false");
    if (value != "true" && value != "false") refuse(name + " is true or false");
    return value == "true";
  }
  std::vector<double> numbers(const std::string& name) {
    std::vector<double> all;
    std::string rest = text(name, "");
    while (!rest.empty()) {
      const std::string one = rest.substr(0, rest.find('/'));
      all.push_back(to_number(name, one));
      rest.erase(0, one.size() + 1);
    }
    return all;
  }
  void require_all_used() const {
    if (!values_.empty()) {
      refuse("'" + values_.begin()->first + "' means nothing to " + std::string(kind));
    }
  }

  std::string_view kind;

 private:
  static double to_number(const std::string& name, const std::string& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      refuse(name + "='" + text + "' is no number");
    }
    return value;
  }

  std::map<std::string, std::string, std::less<>> values_;
};

std::string exact(double value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

std::string joined(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : "/") + exact(value);
  return text;
}

std::string words_of(const ConstantRate& rate) {
  return "constant:rate=" + exact(rate.learning_rate);
}
std::string words_of(const PolynomialDecay& decay) {
  return "polynomial:initial=" + exact(decay.initial_learning_rate) +
         ",end=" + exact(decay.end_learning_rate) + ",power=" + exact(decay.power) +
         ",over=" + exact(decay.decay_steps) + (decay.cycle ? ",cycle=true" : "");
}
std::string words_of(const CosineDecay& decay) {
  return "cosine:initial=" + exact(decay.initial_learning_rate) + ",alpha=" + exact(decay.alpha) +
         ",over=" + exact(decay.decay_steps);
}
std::string words_of(const ExponentialDecay& decay) {
  return "exponential:initial=" + exact(decay.initial_learning_rate) +
         ",rate=" + exact(decay.decay_rate) + ",over=" + exact(decay.decay_steps) +
         (decay.staircase ? ",staircase=true" : "");
}
std::string words_of(const PiecewiseConstantDecay& decay) {
  return "piecewise:values=" + joined(decay.values) +
         (decay.boundaries.empty() ? "" : ",boundaries=" + joined(decay.boundaries));
}
std::string words_of(const RateFunction&) { return "function"; }

}  // namespace

double Schedule::operator()(std::uint64_t epoch, std::uint64_t step) const {
  const auto x = static_cast<double>(unit == ScheduleUnit::epoch ? epoch : step);
  const auto rate_at = [&](double units) {
    return std::visit([&](const auto& kind) { return at(kind, units); }, rate);
  };
  if (x < warmup) return (rate_at(0) - warmup_from) * (x / warmup) + warmup_from;
  return rate_at(x - warmup);
}

void check(const Schedule& schedule) {
  if (!(schedule.warmup >= 0)) refuse("a warm-up of " + std::to_string(schedule.warmup));
  check_rate(schedule.warmup_from);
  std::visit([](const auto& kind) { check_kind(kind); }, schedule.rate);
}

Schedule parse_schedule(std::string_view line, double initial, std::uint64_t epochs) {
  Words words(line);
  Schedule schedule;
  const std::string unit = words.text("unit", "epoch");
  if (unit != "epoch" && unit != "step") refuse("the unit is epoch or step, not '" + unit + "'");
  schedule.unit = unit == "step" ? ScheduleUnit::step : ScheduleUnit::epoch;
  schedule.warmup = words.number("warmup", 0);
  schedule.warmup_from = words.number("from", 0);
  const auto over = [&] {
    if (!words.has("over") && schedule.unit == ScheduleUnit::step) {
      refuse("with unit=step it must say over how many: over=N");
    }
    return words.number("over", std::max(1.0, static_cast<double>(epochs) - schedule.warmup));
  };
  if (words.kind == "constant") {
    schedule.rate = ConstantRate{words.number("rate", initial)};
  } else if (words.kind == "polynomial") {
    schedule.rate = PolynomialDecay{.initial_learning_rate = words.number("initial", initial),
                                    .decay_steps = over(),
                                    .end_learning_rate = words.number("end", 0),
                                    .power = words.number("power", 1),
                                    .cycle = words.flag("cycle")};
  } else if (words.kind == "cosine") {
    schedule.rate = CosineDecay{words.number("initial", initial), over(), words.number("alpha", 0)};
  } else if (words.kind == "exponential") {
    if (!words.has("rate")) refuse("exponential needs the rate of its decay: rate=0.96");
    schedule.rate = ExponentialDecay{.initial_learning_rate = words.number("initial", initial),
                                     .decay_steps = words.number("over", 1),
                                     .decay_rate = words.number("rate", 1),
                                     .staircase = words.flag("staircase")};
  } else if (words.kind == "piecewise") {
    schedule.rate = PiecewiseConstantDecay{words.numbers("boundaries"), words.numbers("values")};
  } else {
    refuse("there is no '" + std::string(words.kind) +
           "'; known: constant, polynomial, cosine, exponential, piecewise");
  }
  words.require_all_used();
  check(schedule);
  return schedule;
}

std::string to_string(const Schedule& schedule) {
  std::string line = std::visit([](const auto& kind) { return words_of(kind); }, schedule.rate);
  if (std::holds_alternative<RateFunction>(schedule.rate)) return line;
  line += schedule.unit == ScheduleUnit::step ? ",unit=step" : ",unit=epoch";
  if (schedule.warmup > 0) line += ",warmup=" + exact(schedule.warmup);
  if (schedule.warmup > 0) line += ",from=" + exact(schedule.warmup_from);
  return line;
}

}  // namespace headrace
