#include "headrace/train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "../support/error_matcher.h"
#include "fake_backend.h"
#include "headrace/pipeline/loader.h"

namespace headrace {
namespace {

using fake::LinearBackend;
using fake::ToySequence;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TrainerOptions options_for(int replicas, std::int64_t batch_size = 16) {
  TrainerOptions options;
  options.batch_size = batch_size;
  options.replicas = replicas;
  options.threads = 1;
  options.optimizer = Sgd{.learning_rate = 0.1, .momentum = 0.9};
  options.seed = 7;
  return options;
}

Loader toy_loader(std::int64_t size = 100, std::int64_t batch_size = 16, std::uint64_t seed = 1) {
  return Loader(std::make_shared<ToySequence>(size, seed),
                {.batch_size = batch_size, .threads = 1});
}

// The samples of a test set, in order.
Loader validation_loader(std::int64_t size = 50) {
  return Loader(std::make_shared<ToySequence>(size, 9, false), {.batch_size = 16, .threads = 1});
}

Batch toy_batch(std::int64_t size, std::uint64_t epoch = 0) {
  return make_batch(ToySequence(1'000), epoch, 0, size);
}

std::vector<float> flat(const std::vector<NamedTensor>& tensors) {
  std::vector<float> values;
  for (const NamedTensor& tensor : tensors) {
    values.insert(values.end(), tensor.values.begin(), tensor.values.end());
  }
  return values;
}

double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(a[i] - b[i], 2);
    norm += std::pow(a[i], 2);
  }
  return std::sqrt(difference / norm);
}

void expect_equal_replicas(const LinearBackend& backend) {
  for (const auto* plan : backend.plans) EXPECT_EQ(plan->weights(), backend.plans[0]->weights());
}

TEST(Trainer, AnyNumberOfReplicasGivesTheSameWeights) {
  std::vector<float> expected;
  for (const int replicas : {1, 2, 3, 5}) {
    LinearBackend backend({.dropout = 0.3});
    Trainer trainer(fake::linear_graph(), options_for(replicas), backend);
    const auto initial = flat(trainer.parameters());
    for (std::uint64_t step = 0; step < 100; ++step) trainer.train_step(toy_batch(16, step));
    const auto weights = flat(trainer.parameters());
    expect_equal_replicas(backend);
    EXPECT_EQ(trainer.total_steps(), 100u);
    if (replicas == 1) expected = weights;
    EXPECT_LE(relative_difference(expected, weights), 1e-5) << replicas << " replicas";
    EXPECT_GT(relative_difference(expected, initial), 0.1);
  }
}

TEST(Trainer, TheSameSeedGivesTheSameWeightsToTheBit) {
  std::vector<std::vector<float>> results;
  for (const std::uint64_t seed : {7u, 7u, 8u}) {
    LinearBackend backend;
    auto options = options_for(2);
    options.seed = seed;
    Trainer trainer(fake::linear_graph(), options, backend);
    trainer.train_step(toy_batch(16));
    results.push_back(flat(trainer.parameters()));
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_NE(results[0], results[2]);
}

TEST(Trainer, ShortBatchesAreWeightedRightEvenWhenReplicasHaveNothingToDo) {
  for (const std::int64_t size : {1, 2, 3, 7, 16}) {
    std::vector<float> expected;
    for (const int replicas : {1, 4}) {
      LinearBackend backend;
      Trainer trainer(fake::linear_graph(), options_for(replicas), backend);
      const MetricSums sums = trainer.train_step(toy_batch(size));
      EXPECT_EQ(sums.samples, static_cast<double>(size));
      const auto weights = flat(trainer.parameters());
      if (replicas == 1) expected = weights;
      EXPECT_LE(relative_difference(expected, weights), 1e-6) << size << " samples";
      expect_equal_replicas(backend);
    }
  }
}

TEST(Trainer, SharesThreadsAndRowsAmongReplicas) {
  LinearBackend backend;
  auto options = options_for(3, 16);
  options.threads = 7;
  Trainer trainer(fake::linear_graph(), options, backend);
  ASSERT_EQ(backend.plans.size(), 3u);
  for (const auto* plan : backend.plans) {
    EXPECT_EQ(plan->options().batch_size, 6);
    EXPECT_EQ(plan->options().threads, 2);
  }
  EXPECT_EQ(trainer.memory_bytes(), 3 * backend.plans[0]->memory_bytes());
}

TEST(Trainer, FitLearnsAndKeepsTheHistory) {
  LinearBackend backend;
  Trainer trainer(fake::linear_graph(), options_for(2), backend);
  Loader data = toy_loader(200);
  Loader validation = validation_loader();
  const History& history = trainer.fit(data, {.epochs = 4, .validation = &validation});
  ASSERT_EQ(history.size(), 4u);
  for (std::size_t epoch = 0; epoch < 4; ++epoch) {
    EXPECT_EQ(history[epoch].epoch, epoch);
    EXPECT_EQ(history[epoch].learning_rate, 0.1);
    EXPECT_GT(history[epoch].seconds, 0);
    EXPECT_NEAR(history[epoch].images_per_second * history[epoch].seconds, 200, 1e-6);
    EXPECT_TRUE(history[epoch].val_loss.has_value());
  }
  EXPECT_LT(history[3].loss, 0.8 * history[0].loss);
  EXPECT_GT(history[3].accuracy, 0.7);
  EXPECT_GT(history[3].val_accuracy, 0.7);
  const MetricSums now = trainer.evaluate(validation);
  EXPECT_EQ(now.samples, 50);
  EXPECT_EQ(history[3].val_loss, now.mean_loss());
  EXPECT_EQ(history[3].val_accuracy, now.accuracy());
  EXPECT_FALSE(trainer.interrupted());
  EXPECT_EQ(trainer.total_steps(), 4u * 13u);
  EXPECT_GT(trainer.data_wait_seconds(), 0);
}

TEST(Trainer, TheLossOfAnEpochIsTheMeanOverItsSamples) {
  LinearBackend backend;
  auto options = options_for(1);
  set_learning_rate(options.optimizer, 0);
  Trainer trainer(fake::linear_graph(), options, backend);
  Loader data = toy_loader(100);
  const MetricSums sums = trainer.evaluate(data);
  trainer.fit(data, {.epochs = 1});
  EXPECT_NEAR(trainer.history()[0].loss, sums.mean_loss(), 1e-12);
  EXPECT_EQ(trainer.history()[0].accuracy, sums.accuracy());
}

TEST(Trainer, FitGoesOnWhereItEnded) {
  LinearBackend at_once_backend, in_parts_backend;
  Trainer at_once(fake::linear_graph(), options_for(2), at_once_backend);
  Trainer in_parts(fake::linear_graph(), options_for(2), in_parts_backend);
  Loader first = toy_loader(), second = toy_loader();
  at_once.fit(first, {.epochs = 3});
  in_parts.fit(second, {.epochs = 1});
  in_parts.evaluate(second);  // which moves the loader
  in_parts.fit(second, {.epochs = 3});
  EXPECT_EQ(flat(at_once.parameters()), flat(in_parts.parameters()));
  EXPECT_EQ(in_parts.fit(second, {.epochs = 3}).size(), 3u);
}

TEST(Trainer, AnotherDataSetMayFollowBetweenEpochs) {
  LinearBackend backend;
  Trainer trainer(fake::linear_graph(), options_for(1), backend);
  Loader first = toy_loader(100, 16, 1), second = toy_loader(60, 16, 2);
  trainer.fit(first, {.epochs = 2});
  trainer.fit(second, {.epochs = 1});
  EXPECT_EQ(trainer.history().size(), 3u);
  EXPECT_EQ(trainer.total_steps(), 2u * 7u + 4u);
}

TEST(Trainer, DroppedLastBatchesAreLeftOut) {
  LinearBackend backend;
  Trainer trainer(fake::linear_graph(), options_for(2), backend);
  Loader data(std::make_shared<ToySequence>(100),
              {.batch_size = 16, .drop_last = true, .threads = 1});
  trainer.fit(data, {.epochs = 2});
  EXPECT_EQ(trainer.total_steps(), 12u);
  EXPECT_EQ(trainer.state().stream.position, (Position{2, 0}));
}

TEST(Trainer, PredictGivesProbabilitiesForEveryRow) {
  for (const int replicas : {1, 3}) {
    LinearBackend backend;
    Trainer trainer(fake::linear_graph(), options_for(replicas, 4), backend);
    const Batch batch = toy_batch(10);  // more than a step takes
    const auto output = trainer.predict(batch);
    ASSERT_EQ(output.size(), 30u);
    for (std::size_t row = 0; row < 10; ++row) {
      EXPECT_NEAR(output[3 * row] + output[3 * row + 1] + output[3 * row + 2], 1, 1e-6);
    }
    LinearBackend alone_backend;
    Trainer alone(fake::linear_graph(), options_for(1, 10), alone_backend);
    EXPECT_EQ(output, alone.predict(batch));
  }
}

TEST(Trainer, EvaluateIsTheSameForAnyNumberOfReplicasAndLeavesTheLoaderAtItsStart) {
  Loader data = validation_loader();
  MetricSums expected;
  for (const int replicas : {1, 2, 20}) {
    LinearBackend backend;
    Trainer trainer(fake::linear_graph(), options_for(replicas, 5), backend);
    for (int round = 0; round < 2; ++round) {
      const MetricSums sums = trainer.evaluate(data);
      if (replicas == 1) expected = sums;
      EXPECT_NEAR(sums.loss, expected.loss, 1e-9);
      EXPECT_EQ(sums.correct, expected.correct);
      EXPECT_EQ(sums.samples, 50);
      EXPECT_EQ(data.state().position, Position{});
    }
  }
}

TEST(Trainer, ALossThatIsNotFiniteIsAnErrorThatNamesTheStepAndKeepsTheWeights) {
  for (const int replicas : {1, 2}) {
    LinearBackend backend;
    Trainer trainer(fake::linear_graph(), options_for(replicas), backend);
    Loader data = toy_loader();
    trainer.fit(data, {.epochs = 1});
    auto parameters = trainer.parameters();
    parameters[0].values[0] = std::numeric_limits<float>::infinity();
    trainer.set_parameters(parameters);
    EXPECT_THAT([&] { trainer.fit(data, {.epochs = 2}); },
                throws_error(ErrorCode::backend, AllOf(HasSubstr("epoch 2"), HasSubstr("nan"),
                                                       HasSubstr("step 8"), HasSubstr("lower"))));
    EXPECT_EQ(trainer.total_steps(), 7u);
    EXPECT_EQ(trainer.parameters()[1].values, parameters[1].values);
    expect_equal_replicas(backend);
  }
}

TEST(Trainer, RefusesOptionsThatMakeNoSense) {
  LinearBackend backend;
  const auto expect_refused = [&](auto change, const std::string& why) {
    auto options = options_for(1);
    change(options);
    EXPECT_THAT([&] { Trainer(fake::linear_graph(), options, backend); },
                throws_error(ErrorCode::invalid_argument, HasSubstr(why)));
  };
  expect_refused([](auto& o) { o.batch_size = 0; }, "batch size of 0");
  expect_refused([](auto& o) { o.replicas = 0; }, "0 replicas");
  expect_refused([](auto& o) { o.threads = -1; }, "-1 threads");
  expect_refused([](auto& o) { o.rank_timeout = milliseconds(0); }, "timeout");
  expect_refused([](auto& o) { o.optimizer = Sgd{.learning_rate = -1}; }, "learning rate of -1");

  Trainer trainer(fake::linear_graph(), options_for(1), backend);
  EXPECT_THROW(trainer.set_learning_rate(std::nan("")), Error);
  EXPECT_THAT([&] { trainer.train_step(toy_batch(17)); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("17 samples")));
}

TEST(Trainer, ALoaderThatEndsTooEarlyOrGivesNothingIsRefused) {
  LinearBackend backend;
  Trainer trainer(fake::linear_graph(), options_for(1), backend);
  Loader ends(std::make_shared<ToySequence>(100), {.batch_size = 16, .threads = 1, .epochs = 2});
  EXPECT_THAT([&] { trainer.fit(ends, {.epochs = 3}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("ends after 2")));
  trainer.fit(ends, {.epochs = 2});
  EXPECT_EQ(trainer.history().size(), 2u);
}

TEST(Trainer, RefusesALoaderThatGivesSharesOfBatches) {
  LinearBackend backend;
  Trainer trainer(fake::linear_graph(), options_for(1), backend);
  Loader data(std::make_shared<ToySequence>(100, 1),
              {.batch_size = 16, .threads = 1, .shard = {.rank = 1, .world_size = 4}});
  EXPECT_THAT([&] { trainer.fit(data, {.epochs = 1}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("rank 1 of 4")));
  EXPECT_THAT([&] { trainer.evaluate(data); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("whole batches")));
}

TEST(Trainer, ABadBatchStopsTheTrainingAndLeavesItWhereItWas) {
  class Bad final : public Sequence {
   public:
    std::int64_t size() const override { return good_.size(); }
    const BatchSpec& spec() const override { return good_.spec(); }
    void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const override {
      if (first <= 50 && 50 < first + rows.count()) {
        throw Error(ErrorCode::corrupt_data, "cat.jpg: it is torn");
      }
      good_.fill(epoch, first, rows);
    }

   private:
    ToySequence good_{100};
  };
  LinearBackend backend;
  Trainer trainer(fake::linear_graph(), options_for(2), backend);
  Loader data(std::make_shared<Bad>(), {.batch_size = 16, .threads = 1});
  EXPECT_THAT([&] { trainer.fit(data, {.epochs = 1}); },
              throws_error(ErrorCode::corrupt_data, HasSubstr("cat.jpg")));
  EXPECT_EQ(trainer.state().stream.position, (Position{0, 48}));
  EXPECT_EQ(trainer.state().epoch_sums.samples, 48);
}

class Recorder final : public Callback {
 public:
  void on_train_begin(Trainer&) override { calls.emplace_back("train begins"); }
  void on_epoch_begin(Trainer& trainer, std::uint64_t epoch) override {
    calls.push_back("epoch " + std::to_string(epoch));
    trainer.set_learning_rate(0.1 / static_cast<double>(1 + epoch));
  }
  void on_step_end(Trainer& trainer, const StepRecord& step) override {
    EXPECT_EQ(step.steps, 3);
    EXPECT_EQ(step.total_steps, trainer.total_steps());
    EXPECT_EQ(static_cast<std::int64_t>(step.total_steps),
              3 * static_cast<std::int64_t>(step.epoch) + step.step + 1);
    EXPECT_GE(step.epoch_seconds, 0);
    samples.push_back(step.epoch_sums.samples);
  }
  void on_epoch_end(Trainer& trainer, const EpochRecord& epoch) override {
    calls.push_back("end of " + std::to_string(epoch.epoch));
    EXPECT_EQ(trainer.history().back().epoch, epoch.epoch);
    EXPECT_EQ(trainer.state().stream.position, (Position{epoch.epoch + 1, 0}));
    if (epoch.epoch == 1) trainer.stop_after_epoch();
  }
  void on_train_end(Trainer&) override { calls.emplace_back("train ends"); }

  std::vector<std::string> calls;
  std::vector<double> samples;
};

TEST(Trainer, CallbacksComeInOrderAndMayChangeTheRateAndEndTheTraining) {
  LinearBackend backend;
  Trainer trainer(fake::linear_graph(), options_for(2), backend);
  Loader data = toy_loader(40);
  Recorder recorder;
  trainer.fit(data, {.epochs = 5, .callbacks = {&recorder}});
  EXPECT_THAT(recorder.calls, ElementsAre("train begins", "epoch 0", "end of 0", "epoch 1",
                                          "end of 1", "train ends"));
  EXPECT_THAT(recorder.samples, ElementsAre(16, 32, 40, 16, 32, 40));
  ASSERT_EQ(trainer.history().size(), 2u);
  EXPECT_EQ(trainer.history()[1].learning_rate, 0.05);
  EXPECT_EQ(trainer.learning_rate(), 0.05);
  EXPECT_FALSE(trainer.interrupted());
}

TEST(Trainer, AnErrorInACallbackReachesTheCallerAndTheTrainingCanGoOn) {
  class Failing final : public Callback {
   public:
    void on_step_end(Trainer&, const StepRecord& step) override {
      if (step.total_steps == 2) throw Error(ErrorCode::io, "no more paper");
    }
  };
  LinearBackend backend;
  Trainer trainer(fake::linear_graph(), options_for(1), backend);
  Loader data = toy_loader(40);
  Failing failing;
  EXPECT_THAT([&] { trainer.fit(data, {.epochs = 1, .callbacks = {&failing}}); },
              throws_error(ErrorCode::io, HasSubstr("paper")));
  trainer.fit(data, {.epochs = 1});
  EXPECT_EQ(trainer.total_steps(), 3u);
}

}  // namespace
}  // namespace headrace
