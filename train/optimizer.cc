#include "headrace/train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::string_view names[] = {"sgd", "adam", "adamw", "rmsprop"};

void require(bool holds, const Optimizer& optimizer, const std::string& what) {
  if (!holds) {
    throw Error(ErrorCode::invalid_argument,
                "the optimizer " + std::string(name(optimizer)) + ": " + what);
  }
}

int own_slots(const Sgd& sgd) { return sgd.momentum != 0 ? 1 : 0; }
int own_slots(const Adam&) { return 2; }
int own_slots(const AdamW&) { return 2; }
int own_slots(const RmsProp& rms) {
  return 1 + (rms.momentum != 0 ? 1 : 0) + (rms.centered ? 1 : 0);
}

bool is_share(double value) { return value >= 0 && value < 1; }

void check_own(const Sgd& sgd) {
  require(is_share(sgd.momentum), sgd, "its momentum must be in [0, 1)");
  require(!sgd.nesterov || sgd.momentum > 0, sgd, "Nesterov's form needs a momentum");
}
template <class AnyAdam>
void check_adam(const AnyAdam& adam) {
  require(is_share(adam.beta_1) && is_share(adam.beta_2), adam, "its betas must be in [0, 1)");
  require(adam.epsilon > 0, adam, "its epsilon must be positive");
}
void check_own(const Adam& adam) { check_adam(adam); }
void check_own(const AdamW& adam) { check_adam(adam); }
void check_own(const RmsProp& rms) {
  require(is_share(rms.momentum), rms, "its momentum must be in [0, 1)");
  require(is_share(rms.rho), rms, "its rho must be in [0, 1)");
  require(rms.epsilon > 0, rms, "its epsilon must be positive");
}

}  // namespace

double learning_rate(const Optimizer& optimizer) {
  return std::visit([](const auto& kind) { return kind.learning_rate; }, optimizer);
}

void set_learning_rate(Optimizer& optimizer, double value) {
  std::visit([&](auto& kind) { kind.learning_rate = value; }, optimizer);
}

double weight_decay(const Optimizer& optimizer) {
  return std::visit([](const auto& kind) { return kind.weight_decay; }, optimizer);
}

void set_weight_decay(Optimizer& optimizer, double value) {
  std::visit([&](auto& kind) { kind.weight_decay = value; }, optimizer);
}

const UpdateOptions& update_options(const Optimizer& optimizer) {
  return std::visit([](const auto& kind) -> const UpdateOptions& { return kind.update; },
                    optimizer);
}

UpdateOptions& update_options(Optimizer& optimizer) {
  return std::visit([](auto& kind) -> UpdateOptions& { return kind.update; }, optimizer);
}

std::string_view name(const Optimizer& optimizer) { return names[optimizer.index()]; }

std::vector<std::string> optimizer_names() { return {std::begin(names), std::end(names)}; }

Optimizer make_optimizer(std::string_view name) {
  if (name == "sgd") return Sgd{};
  if (name == "adam") return Adam{};
  if (name == "adamw") return AdamW{};
  if (name == "rmsprop") return RmsProp{};
  throw Error(ErrorCode::invalid_argument, "there is no optimizer \"" + std::string(name) +
                                               "\"; known: sgd, adam, adamw, rmsprop");
}

void check(const Optimizer& optimizer) {
  const auto at_least_0 = [&](double value, const char* what) {
    require(std::isfinite(value) && value >= 0, optimizer,
            std::string("a ") + what + " of " + std::to_string(value) + ": it must be 0 or more");
  };
  const UpdateOptions& update = update_options(optimizer);
  at_least_0(learning_rate(optimizer), "learning rate");
  at_least_0(weight_decay(optimizer), "weight decay");
  at_least_0(update.clipvalue, "clipvalue");
  at_least_0(update.clipnorm, "clipnorm");
  at_least_0(update.global_clipnorm, "global clipnorm");
  const int clips = (update.clipvalue > 0 ? 1 : 0) + (update.clipnorm > 0 ? 1 : 0) +
                    (update.global_clipnorm > 0 ? 1 : 0);
  require(clips <= 1, optimizer,
          "give one of clipvalue, clipnorm and global clipnorm, not several");
  require(update.ema_momentum >= 0 && update.ema_momentum <= 1, optimizer,
          "the momentum of averages must be in [0, 1]");
  std::visit([](const auto& kind) { check_own(kind); }, optimizer);
}

bool decays(const UpdateOptions& options, std::string_view parameter) {
  const auto& excluded = options.exclude_from_weight_decay;
  return std::none_of(excluded.begin(), excluded.end(), [&](const std::string& part) {
    return parameter.find(part) != std::string_view::npos;
  });
}

int state_slots(const Optimizer& optimizer) {
  const int own = std::visit([](const auto& kind) { return own_slots(kind); }, optimizer);
  return own + (update_options(optimizer).use_ema ? 1 : 0);
}

}  // namespace headrace
