#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../support/error_matcher.h"
#include "../support/temp_folder.h"
#include "fake_backend.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

using fake::LinearBackend;
using fake::ToySequence;
using ::testing::HasSubstr;

constexpr std::int64_t batch_size = 16;
constexpr std::int64_t samples = 100;  // six whole batches and a rest of 4
constexpr std::uint64_t epochs = 3;

TrainerOptions options_for(int replicas) {
  TrainerOptions options;
  options.batch_size = batch_size;
  options.replicas = replicas;
  options.threads = 1;
  options.optimizer = Sgd{.learning_rate = 0.1, .momentum = 0.9};
  options.seed = 5;
  return options;
}

Loader training_loader(std::uint64_t seed = 1) {
  return Loader(std::make_shared<ToySequence>(samples, seed),
                {.batch_size = batch_size, .threads = 1});
}

Loader validation_loader() {
  return Loader(std::make_shared<ToySequence>(40, 9, false), {.batch_size = 16, .threads = 1});
}

// What a training came to, but for the clock.
struct Result {
  std::vector<std::vector<float>> parameters, optimizer_state;
  std::vector<double> losses;
  std::uint64_t steps = 0;
  bool operator==(const Result&) const = default;
};

Result result_of(const Trainer& trainer) {
  Result result;
  for (const auto& tensor : trainer.parameters()) result.parameters.push_back(tensor.values);
  for (const auto& tensor : trainer.state().optimizer_state) {
    result.optimizer_state.push_back(tensor.values);
  }
  for (const auto& epoch : trainer.history()) {
    result.losses.insert(result.losses.end(),
                         {epoch.loss, epoch.accuracy, *epoch.val_loss, *epoch.val_accuracy});
  }
  result.steps = trainer.total_steps();
  return result;
}

Result uninterrupted(int replicas, double dropout) {
  LinearBackend backend({.dropout = dropout});
  Trainer trainer(fake::linear_graph(), options_for(replicas), backend);
  Loader data = training_loader(), validation = validation_loader();
  trainer.fit(data, {.epochs = epochs, .validation = &validation});
  return result_of(trainer);
}

// Sets a flag in the n-th call (from 0) of that kind on that replica.
fake::Hook stopping_in(std::atomic<bool>& stop, const std::string& call, int replica, int n) {
  return [&stop, call, replica, left = std::make_shared<int>(n)](const std::string& now, int who) {
    if (now == call && who == replica && (*left)-- == 0) stop = true;
  };
}

// A moment to be interrupted at.
struct Moment {
  std::string call;
  int n = 0;
  std::uint64_t steps_done = 0;
  Position position;
};

const std::vector<Moment> moments{
    {"forward_backward", 0, 0, {0, 0}},   // before anything was done
    {"forward_backward", 3, 3, {0, 48}},  // in the middle of an epoch
    {"forward_backward", 6, 6, {0, 96}},  // in its last, short batch
    {"update", 6, 7, {0, 100}},           // just after it: validation is still to come
    {"evaluate", 1, 7, {0, 100}},         // in the validation
    {"forward_backward", 7, 7, {1, 0}},   // at the beginning of the next
    {"update", 12, 13, {1, 96}},          // between two steps
};

TEST(TrainerResume, AnInterruptedTrainingEndsInTheSameBits) {
  const TempFolder folder;
  for (const int replicas : {1, 2}) {
    for (const double dropout : {0.0, 0.5}) {
      const Result expected = uninterrupted(replicas, dropout);
      for (const Moment& moment : moments) {
        SCOPED_TRACE(moment.call + " " + std::to_string(moment.n) + ", replicas " +
                     std::to_string(replicas) + ", dropout " + std::to_string(dropout));
        const auto path = folder / "model.safetensors";
        {
          std::atomic<bool> stop{false};
          LinearBackend backend(
              {.dropout = dropout, .hook = stopping_in(stop, moment.call, replicas - 1, moment.n)});
          Trainer trainer(fake::linear_graph(), options_for(replicas), backend);
          Loader data = training_loader(), validation = validation_loader();
          trainer.fit(data, {.epochs = epochs, .validation = &validation, .stop = &stop});
          EXPECT_TRUE(trainer.interrupted());
          EXPECT_EQ(trainer.total_steps(), moment.steps_done);
          EXPECT_EQ(trainer.state().stream.position, moment.position);
          for (const auto* plan : backend.plans) {
            EXPECT_EQ(plan->weights(), backend.plans[0]->weights());
          }
          save_checkpoint(path, trainer.checkpoint());
        }
        const Checkpoint saved = load_checkpoint(path);
        LinearBackend backend({.dropout = dropout});
        Trainer trainer(saved.graph, options_for(replicas), backend);
        trainer.set_parameters(saved.parameters);
        trainer.restore(saved.training.value());
        Loader data = training_loader(), validation = validation_loader();
        data.restore(saved.training->stream);
        trainer.fit(data, {.epochs = epochs, .validation = &validation});
        EXPECT_FALSE(trainer.interrupted());
        EXPECT_TRUE(result_of(trainer) == expected);
      }
    }
  }
}

TEST(TrainerResume, TheSameTrainerGoesOnToo) {
  for (const Moment& moment : moments) {
    SCOPED_TRACE(moment.call + " " + std::to_string(moment.n));
    std::atomic<bool> stop{false};
    LinearBackend backend({.hook = stopping_in(stop, moment.call, 0, moment.n)});
    Trainer trainer(fake::linear_graph(), options_for(2), backend);
    Loader data = training_loader(), validation = validation_loader();
    const FitOptions options{.epochs = epochs, .validation = &validation, .stop = &stop};
    trainer.fit(data, options);
    EXPECT_TRUE(trainer.interrupted());
    stop = false;
    trainer.fit(data, options);
    EXPECT_FALSE(trainer.interrupted());
    EXPECT_TRUE(result_of(trainer) == uninterrupted(2, 0));
  }
}

TEST(TrainerResume, AStopThatOneReplicaAloneSeesStopsAll) {
  // As if the flag were set after the others had done their part.
  for (int replica = 0; replica < 3; ++replica) {
    std::atomic<bool> stop{false};
    LinearBackend backend;
    std::atomic<int> finished{0};
    backend.settings.hook = [&](const std::string& call, int who) {
      if (call != "forward_backward") return;
      if (who == replica) throw Error(ErrorCode::cancelled, "stopped");
      ++finished;
    };
    Trainer trainer(fake::linear_graph(), options_for(3), backend);
    const auto before = backend.plans[0]->weights();
    Loader data = training_loader();
    trainer.fit(data, {.epochs = 1, .stop = &stop});
    EXPECT_TRUE(trainer.interrupted());
    EXPECT_EQ(finished, 2);
    EXPECT_EQ(trainer.total_steps(), 0u);
    for (const auto* plan : backend.plans) EXPECT_EQ(plan->weights(), before);
  }
}

TEST(TrainerResume, AStopFromAnotherThreadAtAnyMomentLeavesAWholeState) {
  const Result expected = uninterrupted(2, 0.5);
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> stop{false};
    LinearBackend backend({.dropout = 0.5});
    Trainer trainer(fake::linear_graph(), options_for(2), backend);
    Loader data = training_loader(), validation = validation_loader();
    std::thread interrupter([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(100 * round));
      stop = true;
    });
    trainer.fit(data, {.epochs = 1'000'000, .validation = &validation, .stop = &stop});
    interrupter.join();
    EXPECT_TRUE(trainer.interrupted());
    for (const auto* plan : backend.plans) {
      EXPECT_EQ(plan->weights(), backend.plans[0]->weights());
    }
    const TrainingState state = trainer.state();
    EXPECT_EQ(state.total_steps,
              7 * state.stream.position.epoch +
                  static_cast<std::uint64_t>((state.stream.position.sample + batch_size - 1) /
                                             batch_size));
    if (state.stream.position.epoch >= epochs) continue;
    trainer.fit(data, {.epochs = epochs, .validation = &validation});
    EXPECT_TRUE(result_of(trainer) == expected);
  }
}

TEST(TrainerResume, ANumberOfReplicasMayFollowAnother) {
  LinearBackend first_backend, second_backend;
  Trainer first(fake::linear_graph(), options_for(2), first_backend);
  Trainer second(fake::linear_graph(), options_for(1), second_backend);
  Loader data = training_loader();
  first.fit(data, {.epochs = 1});
  second.set_parameters(first.parameters());
  second.restore(first.state());
  second.fit(data, {.epochs = 2});
  EXPECT_EQ(second.history().size(), 2u);
  EXPECT_EQ(second.total_steps(), 14u);
}

TEST(TrainerResume, AnotherStreamIsRefused) {
  LinearBackend backend;
  Trainer trainer(fake::linear_graph(), options_for(1), backend);
  Loader data = training_loader(1), other = training_loader(2);
  trainer.fit(data, {.epochs = 1});
  const TrainingState state = trainer.state();

  LinearBackend resumed_backend;
  Trainer resumed(fake::linear_graph(), options_for(1), resumed_backend);
  resumed.restore(state);
  EXPECT_THROW(resumed.fit(other, {.epochs = 2}), Error);
  EXPECT_EQ(resumed.total_steps(), 7u);
}

TEST(TrainerResume, AnotherOptimizerIsRefused) {
  LinearBackend backend;
  Trainer trainer(fake::linear_graph(), options_for(1), backend);
  TrainingState state = trainer.state();
  state.optimizer = Adam{};
  EXPECT_THAT([&] { trainer.restore(state); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("adam")));
  state.optimizer = Sgd{.learning_rate = 0.1, .momentum = 0.5};
  EXPECT_THAT([&] { trainer.restore(state); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("0.5")));
  state.optimizer = Sgd{.learning_rate = 0.025, .momentum = 0.9};
  trainer.restore(state);
  EXPECT_EQ(trainer.learning_rate(), 0.025);
}

TEST(TrainerResume, AStateWithoutAStreamLeavesTheLoaderWhereItIs) {
  LinearBackend backend;
  Trainer trainer(fake::linear_graph(), options_for(1), backend);
  trainer.train_step(make_batch(ToySequence(100), 0, 0, batch_size));
  trainer.restore(trainer.state());
  Loader data = training_loader();
  trainer.fit(data, {.epochs = 1});
  EXPECT_EQ(trainer.total_steps(), 8u);
}

}  // namespace
}  // namespace headrace
