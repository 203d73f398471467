#include "headrace/train/early_stopping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/error_matcher.h"
#include "fake_backend.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;

// Sets weights that are worse the further `targets[epoch]` is from zero: losses of one's choice.
class Losses final : public Callback {
 public:
  explicit Losses(std::vector<float> biases) : biases_(std::move(biases)) {}
  void on_epoch_begin(Trainer& trainer, std::uint64_t epoch) override {
    auto weights = trainer.parameters();
    weights[0].values.assign(weights[0].values.size(), 0);
    weights[1].values = {biases_.at(epoch), 0, 0};
    trainer.set_parameters(weights);
  }

 private:
  std::vector<float> biases_;
};

class EarlyStoppingTest : public ::testing::Test {
 protected:
  // Epochs that a training takes whose losses rise with these numbers.
  std::size_t epochs_of(const std::vector<float>& biases, EarlyStopping& stopping) {
    Losses losses(biases);
    trainer_.fit(data_, {.epochs = biases.size(), .callbacks = {&losses, &stopping}});
    return trainer_.history().size();
  }
  float bias() const { return trainer_.parameters()[1].values[0]; }

  fake::LinearBackend backend_;
  Trainer trainer_{fake::linear_graph(),
                   {.batch_size = 16, .threads = 1, .optimizer = Sgd{.learning_rate = 0}},
                   backend_};
  Loader data_{std::make_shared<fake::ToySequence>(32), {.batch_size = 16, .threads = 1}};
};

TEST_F(EarlyStoppingTest, EndsATrainingThatGetsNoBetterForSoLong) {
  EarlyStopping stopping({.monitor = Monitor::loss, .patience = 2});
  EXPECT_EQ(epochs_of({5, 4, 6, 3, 4, 5, 2, 1}, stopping), 6u);
  EXPECT_TRUE(stopping.stopped());
  EXPECT_EQ(stopping.best_epoch(), 3u);
  EXPECT_EQ(bias(), 5);
}

TEST_F(EarlyStoppingTest, WithoutPatienceTheFirstWorseEpochIsTheLast) {
  EarlyStopping stopping({.monitor = Monitor::loss});
  EXPECT_EQ(epochs_of({5, 4, 6, 3}, stopping), 3u);
}

TEST_F(EarlyStoppingTest, LittleDifferencesDoNotCount) {
  EarlyStopping stopping({.monitor = Monitor::loss, .min_delta = 0.5, .patience = 1});
  EXPECT_EQ(epochs_of({5, 4.9f, 3, 2}, stopping), 2u);
}

TEST_F(EarlyStoppingTest, ABaselineMustBeReached) {
  EarlyStopping stopping({.monitor = Monitor::loss, .patience = 3, .baseline = 0});
  EXPECT_EQ(epochs_of({9, 8, 7, 6, 7, 5, 4}, stopping), 5u);
}

TEST_F(EarlyStoppingTest, EpochsBeforeTheFirstThatCountsAreNotLookedAt) {
  EarlyStopping stopping({.monitor = Monitor::loss, .start_from_epoch = 2});
  EXPECT_EQ(epochs_of({1, 2, 5, 4, 6, 1}, stopping), 5u);
  EXPECT_EQ(stopping.best_epoch(), 3u);
}

TEST_F(EarlyStoppingTest, TheBestWeightsComeBack) {
  EarlyStopping stopping({.monitor = Monitor::loss, .patience = 2, .restore_best_weights = true});
  epochs_of({5, 3, 6, 7, 1}, stopping);
  EXPECT_EQ(bias(), 3);
}

TEST_F(EarlyStoppingTest, AccuraciesAreBetterHigher) {
  EarlyStopping stopping({.monitor = Monitor::accuracy});
  // The first class is right a third of the time, and always what is taken.
  EXPECT_EQ(epochs_of({5, 5, 5}, stopping), 2u);
}

TEST_F(EarlyStoppingTest, GoesOnWithWhatItHadSeen) {
  const std::vector<float> biases{5, 3, 4, 6, 2, 1};
  const EarlyStoppingOptions options{
      .monitor = Monitor::loss, .patience = 2, .restore_best_weights = true};
  Losses losses(biases);
  EarlyStopping before(options);
  trainer_.fit(data_, {.epochs = 3, .callbacks = {&losses, &before}});
  const TrainingState state = trainer_.state();
  EXPECT_EQ(state.callbacks.at("early_stopping_loss").tensors.size(), 2u);

  fake::LinearBackend backend;
  Trainer resumed(fake::linear_graph(),
                  {.batch_size = 16, .threads = 1, .optimizer = Sgd{.learning_rate = 0}}, backend);
  resumed.set_parameters(trainer_.parameters());
  resumed.restore(state);
  EarlyStopping after(options);
  resumed.fit(data_, {.epochs = 6, .callbacks = {&losses, &after}});
  EXPECT_EQ(resumed.history().size(), 4u);
  EXPECT_EQ(resumed.parameters()[1].values[0], 3);
  // And once ended, it stays so, unless there is more patience.
  EXPECT_EQ(resumed.fit(data_, {.epochs = 6, .callbacks = {&losses, &after}}).size(), 4u);
  EarlyStopping patient({.monitor = Monitor::loss, .patience = 5});
  EXPECT_EQ(resumed.fit(data_, {.epochs = 6, .callbacks = {&losses, &patient}}).size(), 6u);
}

TEST_F(EarlyStoppingTest, WhatItCannotWatchIsNamed) {
  EarlyStopping stopping;
  EXPECT_THAT(
      [&] {
        epochs_of({1, 2}, stopping);
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("no val_loss")));
  EXPECT_THAT([] { EarlyStopping({.min_delta = -1}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("0 or more")));
  EXPECT_THAT([&] { stopping.restore({.text = "{"}); },
              throws_error(ErrorCode::corrupt_data, HasSubstr("early stopping")));
  EXPECT_EQ(monitor_of("val_accuracy"), Monitor::val_accuracy);
  EXPECT_THAT([] { monitor_of("mae"); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("known: loss, accuracy")));
}

}  // namespace
}  // namespace headrace
