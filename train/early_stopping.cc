#include "headrace/train/early_stopping.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

EarlyStopping::EarlyStopping(EarlyStoppingOptions options) : options_(options) {
  if (!(options_.min_delta >= 0)) {
    throw Error(ErrorCode::invalid_argument,
                "early stopping: the least difference that counts must be 0 or more");
  }
}

void EarlyStopping::on_train_begin(Trainer& trainer) {
  if (stopped_) trainer.stop_after_epoch();
}

void EarlyStopping::on_epoch_end(Trainer& trainer, const EpochRecord& epoch) {
  const double value = value_of(epoch, options_.monitor);
  if (epoch.epoch < options_.start_from_epoch) return;
  const auto better_than = [&](const std::optional<double>& than) {
    return !than || is_better(value, *than, options_.monitor, options_.min_delta);
  };
  const bool improved = better_than(best_);
  if (improved) best_ = value;
  if (improved || !best_epoch_) {
    best_epoch_ = epoch.epoch;
    if (options_.restore_best_weights) best_weights_ = trainer.parameters();
  }
  ++wait_;
  if (improved && better_than(options_.baseline)) wait_ = 0;
  if (improved || wait_ < options_.patience || epoch.epoch == 0) return;
  stopped_ = true;
  trainer.stop_after_epoch();
}

void EarlyStopping::on_train_end(Trainer& trainer) {
  if (!trainer.interrupted() && !best_weights_.empty()) trainer.set_parameters(best_weights_);
}

std::string EarlyStopping::state_name() const {
  return "early_stopping_" + std::string(to_string(options_.monitor));
}

CallbackState EarlyStopping::state() const {
  Json json{{"wait", wait_}, {"stopped", stopped_}};
  if (best_) json["best"] = *best_;
  if (best_epoch_) json["best_epoch"] = *best_epoch_;
  return {json.dump(), best_weights_};
}

void EarlyStopping::restore(const CallbackState& state) {
  try {
    const Json json = Json::parse(state.text);
    wait_ = json.at("wait").get<std::uint64_t>();
    stopped_ = json.at("stopped").get<bool>();
    best_.reset();
    best_epoch_.reset();
    if (json.contains("best") && !json.at("best").is_null()) best_ = json.at("best").get<double>();
    if (json.contains("best_epoch")) best_epoch_ = json.at("best_epoch").get<std::uint64_t>();
    best_weights_ = state.tensors;
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corrupt_data,
                std::string("the state of early stopping cannot be read: ") + error.what());
  }
  // More patience than it had then.
  if (wait_ < options_.patience) stopped_ = false;
}

}  // namespace headrace
