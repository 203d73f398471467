#include "headrace/train/optimizer.h"

#include "headrace/pipeline/error.h"

namespace headrace {

double learning_rate(const Optimizer& optimizer) {
  return std::visit([](const auto& kind) { return kind.learning_rate; }, optimizer);
}

void set_learning_rate(Optimizer& optimizer, double value) {
  std::visit([&](auto& kind) { kind.learning_rate = value; }, optimizer);
}

std::string_view name(const Optimizer& optimizer) {
  if (std::holds_alternative<Sgd>(optimizer)) return "sgd";
  if (std::holds_alternative<Adam>(optimizer)) return "adam";
  return "rmsprop";
}

Optimizer make_optimizer(std::string_view name) {
  if (name == "sgd") return Sgd{};
  if (name == "adam") return Adam{};
  if (name == "rmsprop") return RmsProp{};
  throw Error(ErrorCode::invalid_argument,
              "there is no optimizer \"" + std::string(name) + "\"; known: sgd, adam, rmsprop");
}

int state_slots(const Optimizer& optimizer) {
  if (std::holds_alternative<Adam>(optimizer)) return 2;
  if (const auto* sgd = std::get_if<Sgd>(&optimizer)) return sgd->momentum != 0 ? 1 : 0;
  return std::get<RmsProp>(optimizer).momentum != 0 ? 2 : 1;
}

}  // namespace headrace
