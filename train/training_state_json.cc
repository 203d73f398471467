#include "headrace/train/training_state_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <variant>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using Json = nlohmann::ordered_json;

// By LossKind.
constexpr std::array<std::string_view, 4> loss_names{
    "categorical_crossentropy", "binary_crossentropy", "mean_squared_error", "own"};

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

// Each value's fields by name, for writing and for reading alike.
template <class Visitor>
void visit_fields(UpdateOptions& update, Visitor visit) {
  visit("clipvalue", update.clipvalue);
  visit("clipnorm", update.clipnorm);
  visit("global_clipnorm", update.global_clipnorm);
  visit("exclude_from_weight_decay", update.exclude_from_weight_decay);
  visit("use_ema", update.use_ema);
  visit("ema_momentum", update.ema_momentum);
  visit("ema_overwrite_frequency", update.ema_overwrite_frequency);
}
template <class Visitor>
void visit_fields(Sgd& sgd, Visitor visit) {
  visit("learning_rate", sgd.learning_rate);
  visit("momentum", sgd.momentum);
  visit("nesterov", sgd.nesterov);
  visit("weight_decay", sgd.weight_decay);
  visit_fields(sgd.update, visit);
}
template <class AnyAdam, class Visitor>
void visit_adam(AnyAdam& adam, Visitor visit) {
  visit("learning_rate", adam.learning_rate);
  visit("beta_1", adam.beta_1);
  visit("beta_2", adam.beta_2);
  visit("epsilon", adam.epsilon);
  visit("weight_decay", adam.weight_decay);
  visit_fields(adam.update, visit);
}
template <class Visitor>
void visit_fields(Adam& adam, Visitor visit) {
  visit_adam(adam, visit);
}
template <class Visitor>
void visit_fields(AdamW& adam, Visitor visit) {
  visit_adam(adam, visit);
}
template <class Visitor>
void visit_fields(RmsProp& rmsprop, Visitor visit) {
  visit("learning_rate", rmsprop.learning_rate);
  visit("rho", rmsprop.rho);
  visit("momentum", rmsprop.momentum);
  visit("epsilon", rmsprop.epsilon);
  visit("centered", rmsprop.centered);
  visit("weight_decay", rmsprop.weight_decay);
  visit_fields(rmsprop.update, visit);
}

struct FieldWriter {
  Json& json;
  void operator()(const char* key, double value) { json[key] = number(value); }
  template <class T>
  void operator()(const char* key, const T& value) {
    json[key] = value;
  }
};

struct FieldReader {
  const Json& json;
  void operator()(const char* key, double& value) { value = double_of(json.at(key)); }
  template <class T>
  void operator()(const char* key, T& value) {
    value = json.at(key).get<T>();
  }
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

Json json_of(const std::vector<double>& values) {
  Json json = Json::array();
  for (const double value : values) json.push_back(number(value));
  return json;
}

std::vector<double> doubles_of(const Json& json) {
  std::vector<double> values;
  for (const Json& value : json) values.push_back(double_of(value));
  return values;
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
  state.epoch_sums = MetricSums::from_values(doubles_of(json.at("epoch_sums")));
  state.epoch_seconds = double_of(json.at("epoch_seconds"));
  state.schedule = json.at("schedule").get<std::string>();
  for (const auto& [name, text] : json.at("callbacks").items()) {
    state.callbacks[name].text = text.get<std::string>();
  }
  state.history = history_from_csv(json.at("history").get<std::string>());
  return state;
}

Loss loss_from(const Json& json) {
  const auto kind = json.at("kind").get<std::string>();
  const auto found = std::find(loss_names.begin(), loss_names.end(), kind);
  if (found == loss_names.end()) {
    throw Error(ErrorCode::unsupported, "its loss '" + kind + "' is not known to this version");
  }
  Loss loss;
  loss.kind = static_cast<LossKind>(found - loss_names.begin());
  loss.from_logits = json.at("from_logits").get<bool>();
  loss.label_smoothing = double_of(json.at("label_smoothing"));
  return loss;
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
  Json callbacks = Json::object();
  for (const auto& [name, kept] : state.callbacks) callbacks[name] = kept.text;
  return Json{
      {"optimizer", json_of(state.optimizer)},
      {"total_steps", state.total_steps},
      {"seed", state.seed},
      {"stream",
       {{"epoch", state.stream.position.epoch},
        {"sample", state.stream.position.sample},
        {"fingerprint", state.stream.fingerprint}}},
      {"epoch_sums", json_of(state.epoch_sums.values())},
      {"epoch_seconds", number(state.epoch_seconds)},
      {"history", to_csv(state.history)},
      {"schedule", state.schedule},
      {"callbacks", callbacks},
  }
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

TrainingState training_state_from_json(const std::string& json) {
  return parse("training state", json, state_from);
}

std::string to_json(const Loss& loss) {
  return Json{{"kind", loss_names[static_cast<std::size_t>(loss.kind)]},
              {"from_logits", loss.from_logits},
              {"label_smoothing", number(loss.label_smoothing)}}
      .dump();
}

Loss loss_from_json(const std::string& json) { return parse("loss", json, loss_from); }

}  // namespace headrace
