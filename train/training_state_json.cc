#include "headrace/train/training_state_json.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <variant>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view crossentropy = "categorical_crossentropy";

// JSON has no infinity.
Json number(double value) {
  if (std::isfinite(value)) return value;
  if (std::isnan(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

double double_of(const Json& value) {
  if (!value.is_string()) return value.get<double>();
  const auto text = value.get<std::string>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  throw Error(ErrorCode::corrupt_data, "'" + text + "' is no number");
}

// Each optimizer's fields by name, for writing and for reading alike.
template <class Visitor>
void visit_fields(Sgd& sgd, Visitor visit) {
  visit("learning_rate", sgd.learning_rate);
  visit("momentum", sgd.momentum);
  visit("nesterov", sgd.nesterov);
}
template <class Visitor>
void visit_fields(Adam& adam, Visitor visit) {
  visit("learning_rate", adam.learning_rate);
  visit("beta_1", adam.beta_1);
  visit("beta_2", adam.beta_2);
  visit("epsilon", adam.epsilon);
}
template <class Visitor>
void visit_fields(RmsProp& rmsprop, Visitor visit) {
  visit("learning_rate", rmsprop.learning_rate);
  visit("rho", rmsprop.rho);
  visit("momentum", rmsprop.momentum);
  visit("epsilon", rmsprop.epsilon);
}

struct FieldWriter {
  Json& json;
  void operator()(const char* key, double value) { json[key] = number(value); }
  void operator()(const char* key, bool value) { json[key] = value; }
};

struct FieldReader {
  const Json& json;
  void operator()(const char* key, double& value) { value = double_of(json.at(key)); }
  void operator()(const char* key, bool& value) { value = json.at(key).get<bool>(); }
};

Json json_of(Optimizer optimizer) {
  Json json{{"name", name(optimizer)}};
  std::visit([&](auto& kind) { visit_fields(kind, FieldWriter{json}); }, optimizer);
  return json;
}

Optimizer optimizer_from(const Json& json) {
  Optimizer optimizer = make_optimizer(json.at("name").get<std::string>());
  std::visit([&](auto& kind) { visit_fields(kind, FieldReader{json}); }, optimizer);
  return optimizer;
}

TrainingState state_from(const Json& json) {
  TrainingState state;
  state.optimizer = optimizer_from(json.at("optimizer"));
  state.total_steps = json.at("total_steps").get<std::uint64_t>();
  state.seed = json.at("seed").get<std::uint64_t>();
  const Json& stream = json.at("stream");
  state.stream.position.epoch = stream.at("epoch").get<std::uint64_t>();
  state.stream.position.sample = stream.at("sample").get<std::int64_t>();
  state.stream.fingerprint = stream.at("fingerprint").get<std::uint64_t>();
  const Json& sums = json.at("epoch_sums");
  state.epoch_sums.loss = double_of(sums.at("loss"));
  state.epoch_sums.correct = double_of(sums.at("correct"));
  state.epoch_sums.samples = double_of(sums.at("samples"));
  state.epoch_seconds = double_of(json.at("epoch_seconds"));
  state.history = history_from_csv(json.at("history").get<std::string>());
  return state;
}

Loss loss_from(const Json& json) {
  const auto kind = json.at("kind").get<std::string>();
  if (kind != crossentropy) {
    throw Error(ErrorCode::unsupported, "its loss '" + kind + "' is not known to this version");
  }
  return {LossKind::categorical_crossentropy, json.at("from_logits").get<bool>()};
}

template <class Read>
auto parse(const std::string& what, const std::string& text, Read read) {
  try {
    return read(Json::parse(text));
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corrupt_data, "its " + what + " cannot be read: " + error.what());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::unsupported) throw;
    throw Error(ErrorCode::corrupt_data, "its " + what + " cannot be read: " + error.what());
  }
}

}  // namespace

std::string to_json(const Optimizer& optimizer) { return json_of(optimizer).dump(); }

std::string to_json(const TrainingState& state) {
  return Json{
      {"optimizer", json_of(state.optimizer)},
      {"total_steps", state.total_steps},
      {"seed", state.seed},
      {"stream",
       {{"epoch", state.stream.position.epoch},
        {"sample", state.stream.position.sample},
        {"fingerprint", state.stream.fingerprint}}},
      {"epoch_sums",
       {{"loss", number(state.epoch_sums.loss)},
        {"correct", number(state.epoch_sums.correct)},
        {"samples", number(state.epoch_sums.samples)}}},
      {"epoch_seconds", number(state.epoch_seconds)},
      {"history", to_csv(state.history)},
  }
      .dump();
}

TrainingState training_state_from_json(const std::string& json) {
  return parse("training state", json, state_from);
}

std::string to_json(const Loss& loss) {
  return Json{{"kind", crossentropy}, {"from_logits", loss.from_logits}}.dump();
}

Loss loss_from_json(const std::string& json) { return parse("loss", json, loss_from); }

}  // namespace headrace
