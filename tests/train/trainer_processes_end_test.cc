// How trainings of several processes stop, fail and go on: see trainer_processes.h.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "../support/temp_folder.h"
#include "trainer_processes.h"

namespace headrace {
namespace {

using fake::Layout;
using fake::on_every_process;
using fake::Outcome;
using fake::Process;
using fake::relative_difference;
using fake::Setting;
using fake::ToySequence;
using fake::train;
using std::chrono::milliseconds;
using ::testing::_;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Pair;

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
