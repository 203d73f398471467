#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fake_backend.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/process_group.h"
#include "headrace/train/trainer.h"
#include "mailbox_link.h"

// Trainers of several processes, which are threads here: see mailbox_link.h.
namespace headrace::fake {

using std::chrono::milliseconds;

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
          ShardMode mode, milliseconds timeout, PlanSettings settings, bool synchronized,
          CommunicatorFactory communicators)
      : group(of),
        backend(std::move(settings)),
        trainer(linear_graph(synchronized), options(layout, batch_size, timeout), backend,
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
  std::function<Hook(int process)> hook = [](int) { return [](const std::string&, int) {}; };
  bool synchronized = false;  // the model takes statistics over all ranks
  std::function<void(double, std::int64_t)> rows_seen = [](double, std::int64_t) {};
  std::function<void(std::int64_t)> sample_trained = [](std::int64_t) {};
  using Ranks = std::vector<std::unique_ptr<Communicator>>;
  std::function<void(Ranks& ranks)> wrap = [](Ranks&) {};
};

// Runs the task on every process; the message of what each threw.
inline std::vector<std::string> on_every_process(const Setting& setting,
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

inline Outcome train(const Setting& setting, std::uint64_t epochs) {
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
  EXPECT_THAT(errors, testing::Each(""));
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

inline double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - b[i], 2);
    norm += std::pow(a[i], 2);
  }
  return std::sqrt(difference / norm);
}

}  // namespace headrace::fake
