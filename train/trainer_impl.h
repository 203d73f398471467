#pragma once

#include <optional>
#include <vector>

#include "headrace/train/rank_threads.h"
#include "headrace/train/replica.h"
#include "headrace/train/trainer.h"

namespace headrace {

// What a Trainer is made of (not installed): trainer.cc has the replicas and their state,
// trainer_fit.cc the way through epochs.
struct Trainer::Impl {
  Impl(Graph model, TrainerOptions wishes, Backend& backend, CommunicatorFactory factory);

  void make_group();
  void require_usable() const;
  // Runs task on every replica at once. Throws the error of the first that failed by itself, or
  // of the first that failed.
  template <class Task>
  void on_every_replica(Task task);
  void set_stop_flag(const std::atomic<bool>* stop);

  // One step; nothing if it was stopped, and the weights are as before.
  std::optional<MetricSums> step(const Batch& batch);
  MetricSums evaluate(const Batch& batch);

  // trainer_fit.cc
  void align(Loader& data);
  // Both return whether they came to their end, and were not stopped.
  bool train_epoch(Trainer& trainer, Loader& data, const FitOptions& fit_options);
  bool finish_epoch(Trainer& trainer, const FitOptions& fit_options);
  std::optional<MetricSums> evaluate_epoch(Loader& data, const std::atomic<bool>* stop);
  std::optional<MetricSums> step_of_epoch(const Batch& batch);

  Graph graph;
  TrainerOptions options;
  CommunicatorFactory communicators;
  std::vector<Replica> replicas;
  RankThreads threads;

  // Where the training stands; see TrainingState.
  std::uint64_t total_steps = 0;
  std::optional<StreamState> stream;  // absent until a loader is known
  MetricSums epoch_sums;
  double epoch_seconds = 0;
  History history;

  bool restored = false;  // and not gone on since: the next loader must be of the same stream
  bool interrupted = false;
  bool stop_after_epoch = false;
  double data_wait_seconds = 0;
  // After a failed update, until the caller has given them anew.
  bool weights_lost = false;
  bool state_lost = false;
};

}  // namespace headrace
