#include "headrace/train/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <string>

#include "../support/error_matcher.h"
#include "../support/file_size_limit.h"
#include "../support/temp_folder.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/safetensors.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

class CheckpointTest : public ::testing::Test {
 protected:
  Checkpoint saved_and_loaded(const Checkpoint& checkpoint) const {
    save_checkpoint(path_, checkpoint);
    return load_checkpoint(path_);
  }

  TempFolder folder_;
  std::filesystem::path path_ = folder_ / "model.safetensors";
};

Graph tiny_graph() {
  ModelBuilder model;
  model.dense(model.flatten(model.input({2, 1, 1})), 2, {.activation = "softmax"});
  return model.build();
}

Checkpoint tiny_model() {
  return {.graph = tiny_graph(),
          .loss = {LossKind::categorical_crossentropy, true},
          .parameters = {{"dense/kernel", {2, 2}, {1, 2, 3, 4}}, {"dense/bias", {2}, {5, 6}}},
          .classes = {"cat", "caf\xc3\xa9, \"au lait\"", ""},
          .extra = {{"recipe", R"({"rescale": 0.5})"}, {"training", "the user's own"}},
          .extra_tensors = {{"mean", {2, 1, 1}, {0.25f, 0.75f}}}};
}

TrainingState state_under_way() {
  TrainingState state;
  state.optimizer = Adam{0.1 + 0.2, 1.0 / 3.0, 0.999, 1e-7};
  state.optimizer_state = {{"dense/kernel/slot0", {2, 2}, {1, 2, 3, 4}},
                           {"dense/bias/slot0", {2}, {-1, 1e-30f}}};
  state.total_steps = 9'007'199'254'740'993;  // which is no double
  state.seed = std::numeric_limits<std::uint64_t>::max();
  state.stream = {{7, 123'456'789'012}, 0xfedcba9876543210};
  state.epoch_sums = {1.0 / 7.0, 12, 34};
  state.epoch_seconds = 0.1;
  state.history = {{0, 0.5, 0.25, std::numeric_limits<double>::infinity(), 0.125, 1e-3, 2, 3}};
  return state;
}

TEST_F(CheckpointTest, HoldsAllThatInferenceNeeds) {
  const Checkpoint saved = tiny_model();
  const Checkpoint loaded = saved_and_loaded(saved);
  EXPECT_EQ(loaded.graph.to_json(), saved.graph.to_json());
  EXPECT_TRUE(loaded.loss.from_logits);
  EXPECT_EQ(loaded.classes, saved.classes);
  EXPECT_EQ(loaded.extra, saved.extra);
  EXPECT_FALSE(loaded.training.has_value());
  ASSERT_EQ(loaded.parameters.size(), 2u);
  EXPECT_EQ(loaded.parameters[0].name, "dense/kernel");
  EXPECT_EQ(loaded.parameters[0].shape, (Shape{2, 2}));
  EXPECT_THAT(loaded.parameters[1].values, ElementsAre(5, 6));
  ASSERT_EQ(loaded.extra_tensors.size(), 1u);
  EXPECT_EQ(loaded.extra_tensors[0].name, "mean");
  EXPECT_THAT(loaded.extra_tensors[0].values, ElementsAre(0.25f, 0.75f));
}

TEST_F(CheckpointTest, ParametersCarryKerasNamesInTheFile) {
  save_checkpoint(path_, tiny_model());
  EXPECT_THAT(load_safetensors(path_).tensors,
              ElementsAre(Field(&NamedTensor::name, "dense/kernel"),
                          Field(&NamedTensor::name, "dense/bias"),
                          Field(&NamedTensor::name, "extra/mean")));
}

TEST_F(CheckpointTest, ATrainingUnderWayComesBackExactly) {
  Checkpoint model = tiny_model();
  const TrainingState saved = state_under_way();
  model.training = saved;
  const Checkpoint loaded = saved_and_loaded(model);
  ASSERT_TRUE(loaded.training.has_value());
  const TrainingState& state = *loaded.training;
  const auto& adam = std::get<Adam>(state.optimizer);
  EXPECT_EQ(adam.learning_rate, 0.1 + 0.2);
  EXPECT_EQ(adam.beta_1, 1.0 / 3.0);
  EXPECT_EQ(state.total_steps, saved.total_steps);
  EXPECT_EQ(state.seed, saved.seed);
  EXPECT_EQ(state.stream.position, saved.stream.position);
  EXPECT_EQ(state.stream.fingerprint, saved.stream.fingerprint);
  EXPECT_EQ(state.epoch_sums.loss, saved.epoch_sums.loss);
  EXPECT_EQ(state.epoch_sums.correct, 12);
  EXPECT_EQ(state.epoch_sums.samples, 34);
  EXPECT_EQ(state.epoch_seconds, 0.1);
  ASSERT_EQ(state.history.size(), 1u);
  EXPECT_EQ(state.history[0].val_loss, std::numeric_limits<double>::infinity());
  ASSERT_EQ(state.optimizer_state.size(), 2u);
  EXPECT_EQ(state.optimizer_state[1].name, "dense/bias/slot0");
  EXPECT_THAT(state.optimizer_state[1].values, ElementsAre(-1, 1e-30f));
}

TEST_F(CheckpointTest, EveryOptimizerComesBack) {
  Checkpoint model = tiny_model();
  model.training = TrainingState{};
  model.training->optimizer = Sgd{0.5, 0.9, true};
  const auto sgd = std::get<Sgd>(saved_and_loaded(model).training->optimizer);
  EXPECT_EQ(sgd.learning_rate, 0.5);
  EXPECT_EQ(sgd.momentum, 0.9);
  EXPECT_TRUE(sgd.nesterov);
  model.training->optimizer = AdamW{.weight_decay = 0.25,
                                    .beta_1 = 0.5,
                                    .update = {.clipnorm = 3,
                                               .exclude_from_weight_decay = {"bias", "\"x\""},
                                               .use_ema = true,
                                               .ema_momentum = 0.75,
                                               .ema_overwrite_frequency = 7}};
  const auto adamw = std::get<AdamW>(saved_and_loaded(model).training->optimizer);
  EXPECT_EQ(adamw.weight_decay, 0.25);
  EXPECT_EQ(adamw.beta_1, 0.5);
  EXPECT_EQ(adamw.update.clipnorm, 3);
  EXPECT_THAT(adamw.update.exclude_from_weight_decay, ElementsAre("bias", "\"x\""));
  EXPECT_TRUE(adamw.update.use_ema);
  EXPECT_EQ(adamw.update.ema_momentum, 0.75);
  EXPECT_EQ(adamw.update.ema_overwrite_frequency, 7u);
  model.training->optimizer = RmsProp{0.25, 0.8, 0.7, 1e-3};
  const auto rmsprop = std::get<RmsProp>(saved_and_loaded(model).training->optimizer);
  EXPECT_EQ(rmsprop.rho, 0.8);
  EXPECT_EQ(rmsprop.momentum, 0.7);
  EXPECT_EQ(rmsprop.epsilon, 1e-3);
}

TEST_F(CheckpointTest, SchedulesAndCallbacksComeBack) {
  Checkpoint model = tiny_model();
  model.loss = {.kind = LossKind::binary_crossentropy, .label_smoothing = 0.1};
  model.training = TrainingState{};
  model.training->schedule = "cosine:initial=0.1,alpha=0,over=7,unit=step";
  model.training->epoch_sums.confusion = {1, 2, 3, 4};
  model.training->callbacks["stop"] = {"wait 3", {{"dense/bias", {2}, {7, 8}}}};
  model.training->callbacks["stop/more"] = {"", {{"a", {1}, {9}}}};
  const Checkpoint loaded = saved_and_loaded(model);
  EXPECT_EQ(loaded.loss.kind, LossKind::binary_crossentropy);
  EXPECT_EQ(loaded.loss.label_smoothing, 0.1);
  const TrainingState& state = *loaded.training;
  EXPECT_EQ(state.schedule, model.training->schedule);
  EXPECT_THAT(state.epoch_sums.confusion, ElementsAre(1, 2, 3, 4));
  ASSERT_EQ(state.callbacks.size(), 2u);
  EXPECT_EQ(state.callbacks.at("stop").text, "wait 3");
  ASSERT_EQ(state.callbacks.at("stop").tensors.size(), 1u);
  EXPECT_EQ(state.callbacks.at("stop").tensors[0].name, "dense/bias");
  EXPECT_THAT(state.callbacks.at("stop").tensors[0].values, ElementsAre(7, 8));
  ASSERT_EQ(state.callbacks.at("stop/more").tensors.size(), 1u);
  EXPECT_EQ(state.callbacks.at("stop/more").tensors[0].name, "a");
  EXPECT_EQ(loaded.parameters.size(), 2u);
}

TEST_F(CheckpointTest, LayersMayBeNamedAsOurOwnPrefixes) {
  ModelBuilder model;
  auto x = model.dense(model.flatten(model.input({2, 1, 1})), 2, {.name = "extra"});
  model.dense(x, 2, {.name = "optimizer"});
  Checkpoint checkpoint = tiny_model();
  checkpoint.graph = model.build();
  checkpoint.parameters = {{"extra/kernel", {2, 2}, {1, 2, 3, 4}}, {"optimizer/bias", {2}, {5, 6}}};
  const Checkpoint loaded = saved_and_loaded(checkpoint);
  EXPECT_THAT(loaded.parameters, ElementsAre(Field(&NamedTensor::name, "extra/kernel"),
                                             Field(&NamedTensor::name, "optimizer/bias")));
}

TEST_F(CheckpointTest, TensorsOfAnotherModelAreLeftToBeNamedByThePlan) {
  save_checkpoint(path_, tiny_model());
  TensorFile file = load_safetensors(path_);
  file.tensors.push_back({"conv2d/kernel", {1}, {1}});
  save_safetensors(path_, file);
  EXPECT_EQ(load_checkpoint(path_).parameters.back().name, "conv2d/kernel");
}

TEST_F(CheckpointTest, WhatIsNoCheckpointIsSaidToBeNone) {
  save_safetensors(path_, {{}, {{"weight", {1}, {1}}}});
  EXPECT_THAT([&] { load_checkpoint(path_); },
              throws_error(ErrorCode::corrupt_data,
                           AllOf(HasSubstr(path_.string()), HasSubstr("no Headrace checkpoint"))));
}

TEST_F(CheckpointTest, EveryEntryThatIsMissingOrBrokenIsNamed) {
  Checkpoint model = tiny_model();
  model.training = state_under_way();
  save_checkpoint(path_, model);
  const TensorFile whole = load_safetensors(path_);
  for (const char* key : {"graph", "loss", "classes"}) {
    TensorFile file = whole;
    file.metadata.erase(key);
    save_safetensors(path_, file);
    EXPECT_THAT([&] { load_checkpoint(path_); },
                throws_error(ErrorCode::corrupt_data, HasSubstr(std::string("'") + key + "'")));
  }
  for (const char* key : {"graph", "loss", "classes", "training"}) {
    for (const char* text : {"", "{", "7", "{}", "[7]", R"({"kind": 1, "optimizer": {}})"}) {
      TensorFile file = whole;
      file.metadata[key] = text;
      save_safetensors(path_, file);
      EXPECT_THAT([&] { load_checkpoint(path_); },
                  throws_error(ErrorCode::corrupt_data, HasSubstr(path_.string())))
          << key << " is " << text;
    }
  }
}

TEST_F(CheckpointTest, ALaterFormatIsUnsupported) {
  save_checkpoint(path_, tiny_model());
  TensorFile file = load_safetensors(path_);
  file.metadata["headrace_checkpoint"] = "2";
  save_safetensors(path_, file);
  EXPECT_THAT([&] { load_checkpoint(path_); },
              throws_error(ErrorCode::unsupported, HasSubstr("format 2")));
}

TEST_F(CheckpointTest, AFullDiskKeepsTheOldCheckpoint) {
  save_checkpoint(path_, tiny_model());
  Checkpoint large = tiny_model();
  large.extra_tensors = {{"mean", {50'000}, std::vector<float>(50'000)}};
  EXPECT_THAT(
      [&] {
        const FileSizeLimit limit(20'000);
        save_checkpoint(path_, large);
      },
      throws_error(ErrorCode::io, HasSubstr(path_.string())));
  EXPECT_EQ(load_checkpoint(path_).classes, tiny_model().classes);
  EXPECT_EQ(folder_.entries(), 1);
}

}  // namespace
}  // namespace headrace
