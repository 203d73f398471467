// Trainers of several processes, which are threads here: see mailbox_link.h.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../support/temp_folder.h"
#include "fake_backend.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/process_group.h"
#include "headrace/train/trainer.h"
#include "mailbox_link.h"

namespace headrace {
namespace {

using fake::LinearBackend;
using fake::Network;
using fake::ToySequence;
using std::chrono::milliseconds;
using ::testing::_;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

struct Layout {
  int processes = 1;
  int replicas = 1;
  int accumulate = 1;
};

// One process of a training: its group, its trainer and its loader of toy data.
struct Process {
  ProcessGroup& group;
  LinearBackend backend;
  Trainer trainer;
  Loader data;
  std::atomic<bool> stop{false};

  Process(ProcessGroup& of, const Layout& layout, std::int64_t samples, std::int64_t batch_size,
          ShardMode mode, milliseconds timeout, fake::PlanSettings settings, bool synchronized,
          CommunicatorFactory communicators)
      : group(of),
        backend(std::move(settings)),
        trainer(fake::linear_graph(synchronized), options(layout, batch_size, timeout), backend,
                std::move(communicators)),
        data(std::make_shared<ToySequence>(samples),
             {.batch_size = batch_size,
              .threads = 1,
              .shard = {.rank = of.process(), .world_size = of.size(), .mode = mode}}) {}

  static TrainerOptions options(const Layout& layout, std::int64_t batch_size,
                                milliseconds timeout) {
    TrainerOptions options;
    options.batch_size = batch_size;
    options.replicas = layout.replicas;
    options.accumulate = layout.accumulate;
    options.threads = 1;
    options.optimizer = Sgd{.learning_rate = 0.1, .momentum = 0.9};
    options.rank_timeout = timeout;
    options.bucket_bytes = 16;  // so that there are several
    return options;
  }
  const std::vector<float>& weights() const { return backend.plans[0]->weights(); }
};

struct Setting {
  Layout layout = {};
  std::int64_t samples = 50;
  std::int64_t batch_size = 12;
  ShardMode mode = ShardMode::uneven;
  milliseconds timeout{30'000};
  std::function<fake::Hook(int process)> hook = [](int) { return [](const std::string&, int) {}; };
  bool synchronized = false;  // the model takes statistics over all ranks
  std::function<void(double, std::int64_t)> rows_seen = [](double, std::int64_t) {};
  std::function<void(std::int64_t)> sample_trained = [](std::int64_t) {};
  using Ranks = std::vector<std::unique_ptr<Communicator>>;
  std::function<void(Ranks& ranks)> wrap = [](Ranks&) {};
};

// Runs the task on every process; the message of what each threw.
std::vector<std::string> on_every_process(const Setting& setting,
                                          const std::function<void(Process&)>& task) {
  Network network(setting.layout.processes);
  std::vector<std::string> errors(static_cast<std::size_t>(setting.layout.processes));
  std::vector<std::jthread> processes;
  for (int number = 0; number < setting.layout.processes; ++number) {
    processes.emplace_back([&, number] {
      try {
        ProcessGroup group(network.link(number), milliseconds(30'000));
        try {
          Process process(group, setting.layout, setting.samples, setting.batch_size, setting.mode,
                          setting.timeout,
                          {.hook = setting.hook(number),
                           .rows_seen = setting.rows_seen,
                           .sample_trained = setting.sample_trained},
                          setting.synchronized, [&](int replicas) {
                            auto ranks = group.make_communicators(replicas);
                            setting.wrap(ranks);
                            return ranks;
                          });
          task(process);
        } catch (const Error& error) {
          errors[static_cast<std::size_t>(number)] = error.what();
        }
      } catch (const Error& error) {
        errors[static_cast<std::size_t>(number)] = error.what();
      }
    });
  }
  processes.clear();
  return errors;
}

struct Outcome {
  std::vector<float> weights;
  History history;
};

Outcome train(const Setting& setting, std::uint64_t epochs) {
  std::vector<Outcome> outcomes(static_cast<std::size_t>(setting.layout.processes));
  const auto errors = on_every_process(setting, [&](Process& process) {
    Loader validation(
        std::make_shared<ToySequence>(31, 0, false),
        {.batch_size = 7,
         .threads = 1,
         .shard = {.rank = process.group.process(), .world_size = process.group.size()}});
    process.trainer.fit(process.data, {.epochs = epochs, .validation = &validation});
    outcomes[static_cast<std::size_t>(process.group.process())] = {process.weights(),
                                                                   process.trainer.history()};
  });
  EXPECT_THAT(errors, Each(""));
  for (const Outcome& outcome : outcomes) {
    EXPECT_EQ(outcome.weights, outcomes[0].weights);
    EXPECT_EQ(outcome.history.size(), epochs);
    for (std::size_t i = 0; i < outcome.history.size(); ++i) {
      EXPECT_EQ(outcome.history[i].loss, outcomes[0].history[i].loss);
      EXPECT_EQ(outcome.history[i].val_accuracy, outcomes[0].history[i].val_accuracy);
    }
  }
  return outcomes[0];
}

double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - b[i], 2);
    norm += std::pow(a[i], 2);
  }
  return std::sqrt(difference / norm);
}

TEST(TrainerOverProcesses, TheWeightsDependOnTheNumberOfRanksByRoundingAndOnProcessesNotAtAll) {
  const Outcome one = train({.layout = {1, 1}}, 20);  // 100 steps, with short last batches
  const std::vector<std::vector<Layout>> equal{
      {{1, 2}, {2, 1}}, {{1, 4}, {2, 2}, {4, 1}}, {{1, 6}, {3, 2}, {2, 3}}};
  for (const auto& layouts : equal) {
    const Outcome threads = train({.layout = layouts[0]}, 20);
    EXPECT_LE(relative_difference(one.weights, threads.weights), 1e-5);
    EXPECT_NEAR(one.history.back().loss, threads.history.back().loss, 1e-5);
    EXPECT_EQ(one.history.back().val_accuracy, threads.history.back().val_accuracy);
    for (const Layout& layout : layouts) {
      const Outcome other = train({.layout = layout}, 20);
      EXPECT_EQ(other.weights, threads.weights)
          << layout.processes << " processes of " << layout.replicas;
      EXPECT_EQ(other.history.back().loss, threads.history.back().loss);
    }
  }
}

TEST(TrainerOverProcesses, ShardsOfAllKindsTrainOnTheSameSamples) {
  const Outcome one = train({.layout = {1, 1}, .samples = 50}, 3);
  const Outcome padded = train({.layout = {4, 1}, .samples = 50, .mode = ShardMode::pad}, 3);
  EXPECT_LE(relative_difference(one.weights, padded.weights), 1e-6);
  // Of the 50 the last 2 divide by 2, but not by 4.
  const Outcome dropped = train({.layout = {2, 2}, .samples = 50, .mode = ShardMode::drop}, 3);
  EXPECT_LE(relative_difference(one.weights, dropped.weights), 1e-6);
  const Outcome fewer = train({.layout = {4, 1}, .samples = 50, .mode = ShardMode::drop}, 3);
  EXPECT_GT(relative_difference(one.weights, fewer.weights), 1e-3);
}

TEST(TrainerOverProcesses, ProcessesWithoutSamplesTakePart) {
  const Outcome one = train({.layout = {1, 1}, .samples = 13, .batch_size = 3}, 5);
  const Outcome eight = train({.layout = {5, 1}, .samples = 13, .batch_size = 3}, 5);
  EXPECT_LE(relative_difference(one.weights, eight.weights), 1e-6);
}

// Shares of 4 and of 2 samples, cut into parts of which some have none.
TEST(TrainerOverProcesses, PartsThatAreAddedUpGiveTheWeightsOfTheWholeBatch) {
  const Outcome one = train({.layout = {1, 1}}, 20);
  for (const Layout& layout : std::vector<Layout>{{1, 1, 5}, {3, 1, 2}, {2, 2, 3}, {3, 2, 4}}) {
    const Outcome parts = train({.layout = layout}, 20);
    EXPECT_LE(relative_difference(one.weights, parts.weights), 1e-5);
    EXPECT_NEAR(one.history.back().loss, parts.history.back().loss, 1e-5);
    EXPECT_EQ(one.history.back().val_accuracy, parts.history.back().val_accuracy);
  }
}

TEST(TrainerOverProcesses, PartsTakeStatisticsTogetherOverAllRanks) {
  std::atomic<int> calls{0};
  Setting setting{.layout = {3, 1, 4}, .synchronized = true};
  setting.rows_seen = [&](double sum, std::int64_t) {
    EXPECT_LE(sum, 3);  // a twelfth of each batch on each rank
    ++calls;
  };
  train(setting, 1);
  EXPECT_EQ(calls, 5 * 3 * 4);
}

TEST(TrainerOverProcesses, OneWhoseWeightsHaveGoneAstrayIsNamedAfterTheEpoch) {
  for (const int astray : {0, 2}) {
    const auto errors = on_every_process({.layout = {3, 2}}, [&](Process& process) {
      if (process.group.process() == astray) process.backend.settings.wrong_updates_of = 1;
      process.trainer.fit(process.data, {.epochs = 2});
    });
    const std::string rank = "rank " + std::to_string(2 * astray + 1);
    EXPECT_THAT(errors, Each(AllOf(HasSubstr("after epoch 1 the weights of " + rank + " are not"),
                                   Not(HasSubstr("and rank")))));
  }
}

TEST(TrainerOverProcesses, WeightsThatDifferAtFirstAreThoseOfTheFirstProcess) {
  std::vector<float> expected;
  for (const bool differ : {false, true}) {
    const auto errors = on_every_process({.layout = {2, 2}}, [&](Process& process) {
      if (differ && process.group.process() == 1) {
        auto parameters = process.trainer.parameters();
        for (float& value : parameters[0].values) value += 1;
        process.trainer.set_parameters(parameters);
      }
      process.trainer.fit(process.data, {.epochs = 1});
      if (differ) {
        EXPECT_EQ(process.weights(), expected);
      } else if (process.group.process() == 0) {
        expected = process.weights();
      }
    });
    EXPECT_THAT(errors, Each(""));
  }
}

// Notes the first bucket of gradients of each step.
class WatchedCommunicator final : public Communicator {
 public:
  static constexpr std::size_t bucket = 4;  // values
  explicit WatchedCommunicator(std::unique_ptr<Communicator> inner) : inner_(std::move(inner)) {}

  int rank() const override { return inner_->rank(); }
  int world_size() const override { return inner_->world_size(); }
  Ticket start(Collective operation, std::span<float> buffer) override {
    const Ticket ticket = inner_->start(operation, buffer);
    if (operation == Collective::all_reduce_sum && buffer.size() == bucket && !first_) {
      first_ = ticket;
    }
    return ticket;
  }
  void wait(Ticket ticket, milliseconds deadline) override { inner_->wait(ticket, deadline); }
  bool works_alone() const override { return inner_->works_alone(); }
  Clock::time_point done_at(Ticket ticket) const override { return inner_->done_at(ticket); }
  void abort(const char* reason) noexcept override { inner_->abort(reason); }

  // Whether it has been started. Returns when it is added up.
  bool wait_for_first_bucket() {
    if (!first_) return false;
    inner_->wait(*std::exchange(first_, {}), milliseconds(30'000));
    return true;
  }

 private:
  std::unique_ptr<Communicator> inner_;
  std::optional<Ticket> first_;
};

// No rank ends its backward pass before the first gradients are added up over all of them.
TEST(TrainerOverProcesses, GradientsAreAddedUpWhileBackwardGoesOn) {
  std::array<WatchedCommunicator*, 3> watched{};
  std::atomic<int> added_up{0};
  Setting setting{.layout = {3, 1}};
  setting.wrap = [&](Setting::Ranks& ranks) {
    auto communicator = std::make_unique<WatchedCommunicator>(std::move(ranks[0]));
    watched.at(static_cast<std::size_t>(communicator->rank())) = communicator.get();
    ranks[0] = std::move(communicator);
  };
  setting.hook = [&](int process) {
    return [&, process](const std::string& call, int) {
      if (call != "half_backward") return;
      if (watched.at(static_cast<std::size_t>(process))->wait_for_first_bucket()) ++added_up;
    };
  };
  const auto errors = on_every_process(setting, [&](Process& process) {
    process.trainer.fit(process.data, {});
    const ExchangeTimes times = process.trainer.exchange_times();
    EXPECT_GT(times.seconds, times.after_backward);
    EXPECT_GT(times.hidden(), 0);
  });
  EXPECT_THAT(errors, Each(""));
  EXPECT_EQ(added_up, 3 * 5);
}

// Interrupts one process after a number of steps.
class Interrupter final : public Callback {
 public:
  Interrupter(std::atomic<bool>& stop, std::uint64_t steps) : stop_(stop), steps_(steps) {}
  void on_step_end(Trainer&, const StepRecord& step) override {
    if (step.total_steps == steps_) stop_ = true;
  }

 private:
  std::atomic<bool>& stop_;
  std::uint64_t steps_;
};

TEST(TrainerOverProcesses, OneThatIsToldToStopStopsAllAtOneStepAndAnyNumberGoesOn) {
  const Outcome whole = train({.layout = {1, 1}}, 3);
  for (const std::uint64_t steps : {2u, 5u, 7u}) {  // 5: at an epoch's end
    Checkpoint checkpoint;
    auto errors = on_every_process({.layout = {3, 1}}, [&](Process& process) {
      const int number = process.group.process();
      Interrupter interrupter(process.stop, number == 1 ? steps : 1'000);
      process.trainer.fit(process.data,
                          {.epochs = 3, .callbacks = {&interrupter}, .stop = &process.stop});
      EXPECT_TRUE(process.trainer.interrupted());
      EXPECT_EQ(process.trainer.total_steps(), steps);
      if (number == 0) checkpoint = process.trainer.checkpoint();
    });
    EXPECT_THAT(errors, Each(""));
    for (const Layout& layout : {Layout{1, 1}, Layout{2, 1}, Layout{2, 2}}) {
      errors = on_every_process({.layout = layout}, [&](Process& process) {
        process.trainer.set_parameters(checkpoint.parameters);
        process.trainer.restore(*checkpoint.training);
        process.trainer.fit(process.data, {.epochs = 3});
        EXPECT_EQ(process.trainer.total_steps(), 15u);
        EXPECT_LE(relative_difference(process.weights(), whole.weights), 1e-6);
        EXPECT_NEAR(process.trainer.history()[1].loss, whole.history[1].loss, 1e-6);
      });
      EXPECT_THAT(errors, Each(""));
    }
  }
}

// How often each sample was trained on.
class TrainedSamples {
 public:
  void add(std::int64_t sample) {
    const std::lock_guard lock(mutex_);
    ++times_[sample];
  }
  const std::map<std::int64_t, int>& times() const { return times_; }

 private:
  std::mutex mutex_;
  std::map<std::int64_t, int> times_;
};

TEST(TrainerOverProcesses, OtherRanksGoOnWithTheSamplesThatAreLeftOfAnEpochEachOnce) {
  const TempFolder folder;
  const auto file = folder / "model.safetensors";
  for (const Layout& before : {Layout{2, 1}, Layout{1, 2}}) {
    TrainedSamples first;
    Setting setting{.layout = before};
    setting.sample_trained = [&](std::int64_t sample) { first.add(sample); };
    auto errors = on_every_process(setting, [&](Process& process) {
      Interrupter interrupter(process.stop, process.group.process() == 0 ? 2 : 1'000);
      process.trainer.fit(process.data, {.callbacks = {&interrupter}, .stop = &process.stop});
      if (process.group.process() == 0) save_checkpoint(file, process.trainer.checkpoint());
    });
    EXPECT_THAT(errors, Each(""));
    ASSERT_EQ(first.times().size(), 24u);
    EXPECT_THAT(first.times(), Each(Pair(_, 1)));
    for (const Layout& after : {Layout{3, 1}, Layout{1, 3}, Layout{1, 1}, Layout{2, 2}}) {
      TrainedSamples rest;
      Setting other{.layout = after};
      other.sample_trained = [&](std::int64_t sample) { rest.add(sample); };
      errors = on_every_process(other, [&](Process& process) {
        const Checkpoint saved = load_checkpoint(file);
        process.trainer.set_parameters(saved.parameters);
        process.trainer.restore(*saved.training);
        process.trainer.fit(process.data, {});
      });
      EXPECT_THAT(errors, Each(""));
      EXPECT_EQ(rest.times().size(), 26u);
      EXPECT_THAT(rest.times(), Each(Pair(_, 1)));
      for (const auto& [sample, times] : rest.times()) EXPECT_EQ(first.times().count(sample), 0u);
    }
  }
}

TEST(TrainerOverProcesses, OneWhoseWaitForDataIsCutShortStopsAll) {
  const auto errors = on_every_process({.layout = {2, 1}}, [&](Process& process) {
    if (process.group.process() == 0) {
      process.stop = true;
      process.data.cancel();
    }
    process.trainer.fit(process.data, {.epochs = 2, .stop = &process.stop});
    EXPECT_TRUE(process.trainer.interrupted());
    EXPECT_EQ(process.trainer.total_steps(), 0u);
  });
  EXPECT_THAT(errors, Each(""));
}

// Ends the training after the first epoch, where it is asked to.
class EarlyEnd final : public Callback {
 public:
  explicit EarlyEnd(bool ends) : ends_(ends) {}
  void on_epoch_end(Trainer& trainer, const EpochRecord&) override {
    if (ends_) trainer.stop_after_epoch();
  }

 private:
  bool ends_;
};

TEST(TrainerOverProcesses, OneThatEndsAfterAnEpochEndsAll) {
  const auto errors = on_every_process({.layout = {3, 1}}, [&](Process& process) {
    EarlyEnd end(process.group.process() == 2);
    process.trainer.fit(process.data, {.epochs = 4, .callbacks = {&end}});
    EXPECT_EQ(process.trainer.history().size(), 1u);
  });
  EXPECT_THAT(errors, Each(""));
}

TEST(TrainerOverProcesses, StatisticsAreTakenOverAllRanksWhoseEveryStopIsHeardBeforehand) {
  for (const Layout& layout : {Layout{1, 2}, Layout{2, 1}, Layout{2, 2}, Layout{5, 1}}) {
    std::atomic<int> seen{0};
    Setting setting{.layout = layout, .samples = 13, .batch_size = 3, .synchronized = true};
    setting.rows_seen = [&](double sum, std::int64_t expected) {
      EXPECT_EQ(sum, static_cast<double>(expected));
      ++seen;
    };
    const auto errors = on_every_process(setting, [&](Process& process) {
      const bool last = process.group.process() == layout.processes - 1;
      Interrupter interrupter(process.stop, last ? 7 : 1'000);
      process.trainer.fit(process.data,
                          {.epochs = 3, .callbacks = {&interrupter}, .stop = &process.stop});
      EXPECT_EQ(process.trainer.total_steps(), 7u);
    });
    EXPECT_THAT(errors, Each(""));
    EXPECT_EQ(seen, 7 * layout.processes * layout.replicas);
  }
}

TEST(TrainerOverProcesses, OneThatFailsIsNamedByAllOthersWithItsReason) {
  for (const char* call : {"forward_backward", "update", "evaluate"}) {
    for (const int failing : {0, 2}) {
      Setting setting{.layout = {3, 1}};
      setting.hook = [&](int process) {
        return [=, left = std::make_shared<int>(3)](const std::string& now, int) {
          if (process == failing && now == call && (*left)-- == 0) {
            throw Error(ErrorCode::backend, "the device has gone");
          }
        };
      };
      const auto errors = on_every_process(setting, [&](Process& process) {
        process.trainer.fit(process.data, {.epochs = 4});
        for (;;) process.trainer.evaluate(process.data);
      });
      EXPECT_THAT(errors, Each(HasSubstr("the device has gone"))) << call;
      const std::string name = "rank " + std::to_string(failing) + " failed: ";
      for (std::size_t rank = 0; rank < 3; ++rank) {
        if (static_cast<int>(rank) == failing) continue;
        EXPECT_THAT(errors[rank], HasSubstr(name)) << call;
      }
    }
  }
}

class Thrower final : public Callback {
 public:
  void on_step_end(Trainer&, const StepRecord&) override {
    throw Error(ErrorCode::io, "the disk is full");
  }
};

TEST(TrainerOverProcesses, ACallbackThatFailsOnOneEndsAll) {
  const auto errors = on_every_process({.layout = {2, 1}}, [&](Process& process) {
    Thrower thrower;
    FitOptions options;
    if (process.group.process() == 0) options.callbacks = {&thrower};
    process.trainer.fit(process.data, options);
  });
  EXPECT_EQ(errors[0], "the disk is full");
  EXPECT_THAT(errors[1], HasSubstr("rank 0 failed: the disk is full"));
}

TEST(TrainerOverProcesses, OneThatIsTooLateIsNamed) {
  Setting setting{.layout = {3, 1}, .timeout = milliseconds(50)};
  setting.hook = [](int process) {
    return [=](const std::string& now, int) {
      if (process == 1 && now == "forward_backward") {
        std::this_thread::sleep_for(milliseconds(400));
      }
    };
  };
  const auto errors = on_every_process(
      setting, [&](Process& process) { process.trainer.fit(process.data, {.epochs = 1}); });
  EXPECT_THAT(errors, Each(HasSubstr("rank 1 is missing")));
}

// Changes the rate on one process alone.
class Rate final : public Callback {
 public:
  void on_epoch_begin(Trainer& trainer, std::uint64_t epoch) override {
    if (trainer.process() == 1 && epoch == 1) trainer.set_learning_rate(0.5);
  }
};

TEST(TrainerOverProcesses, ProcessesThatDoNotDoTheSameAreRefused) {
  auto errors = on_every_process({.layout = {2, 1}}, [&](Process& process) {
    Rate rate;
    process.trainer.fit(process.data, {.epochs = 3, .callbacks = {&rate}});
  });
  EXPECT_THAT(errors, Each(AllOf(HasSubstr("learning rate"), HasSubstr("on rank 1"))));

  errors = on_every_process({.layout = {2, 1}}, [&](Process& process) {
    TrainingState state = process.trainer.state();
    if (process.group.process() == 1) state.total_steps = 7;
    process.trainer.restore(state);
    process.trainer.fit(process.data, {.epochs = 1});
  });
  EXPECT_THAT(errors, Each(AllOf(HasSubstr("rank 1 and rank 0"), HasSubstr("steps"))));
}

TEST(TrainerOverProcesses, LoadersOfOtherSharesAreRefused) {
  const auto errors = on_every_process({.layout = {2, 1}}, [&](Process& process) {
    Loader whole(std::make_shared<ToySequence>(50), {.batch_size = 12, .threads = 1});
    process.trainer.fit(whole, {.epochs = 1});
  });
  EXPECT_THAT(errors, Each(AllOf(HasSubstr("the loader gives rank 0 of 1"),
                                 HasSubstr("this trainer is process"))));
}

TEST(TrainerOverProcesses, StepsOfOnesOwnTakeTheShareOfABatch) {
  const auto errors = on_every_process({.layout = {2, 1}}, [&](Process& process) {
    const auto batch = process.data.next();
    const MetricSums sums = process.trainer.train_step(*batch);
    EXPECT_EQ(sums.samples, 12);
    EXPECT_EQ(process.trainer.predict(*batch).size(), 18u);
    const Batch whole = make_batch(ToySequence(50), 0, 0, 12);
    try {
      process.trainer.train_step(whole);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("give the loader the shard"));
    }
  });
  EXPECT_THAT(errors, Each(""));
}

}  // namespace
}  // namespace headrace
