#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "headrace/pipeline/array_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/train/backend.h"
#include "headrace/train/callback.h"
#include "headrace/train/checkpoint.h"
#include "headrace/train/communicator.h"
#include "headrace/train/exchange_times.h"
#include "headrace/train/graph.h"
#include "headrace/train/history.h"
#include "headrace/train/schedule.h"

namespace headrace {

struct TrainerOptions {
  std::int64_t batch_size = 32;  // of all replicas together
  int replicas = 1;              // of this process, each on its share of every batch
  int threads = 0;               // of them together; 0: one for each core
  // Parts of a batch that each replica computes one after the other, with one update for all: a
  // batch of any size in the memory of one part. Weights are those of the whole batch at once, up
  // to rounding, but that batch normalisation takes the statistics of each part, and its moving
  // ones those of the last.
  int accumulate = 1;
  int micro_batches = 1;  // PlanOptions::micro_batches, of each of these parts
  Loss loss = {};
  Optimizer optimizer = {};
  // The learning rate of each step. Without one it is the optimizer's, and set_learning_rate()'s.
  std::optional<Schedule> schedule = {};
  MetricOptions metrics = {};
  Precision precision = Precision::f32;
  std::uint64_t seed = 0;                          // of initial weights and dropout
  std::chrono::milliseconds rank_timeout{60'000};  // of waiting for other ranks
  // Of gradients that are on their way between processes at a time, while more are computed.
  std::size_t bucket_bytes = std::size_t{4} << 20;
};

struct FitOptions {
  std::uint64_t epochs = 1;  // in all: a resumed training ends where it would have ended
  Loader* validation = nullptr;
  std::vector<Callback*> callbacks = {};
  // Set by a signal handler or another thread: the step under way is abandoned, fit() returns.
  const std::atomic<bool>* stop = nullptr;
};

// Makes the communicators of so many replicas; make_local_communicators is one.
using CommunicatorFactory = std::function<std::vector<std::unique_ptr<Communicator>>(int replicas)>;

// Trains a model, data-parallel: every replica has all weights, takes its share of each batch, and
// gradients are added up by a Communicator, in one order, before each update. With the same seed
// and batches any number of replicas gives the same weights up to rounding. Used by one thread at
// a time; replica 0 works on that thread, the others have threads of their own.
//
// Over several processes (ProcessGroup::make_communicators) each has a trainer made with the same
// options and calls the same in the same order. Each reads its own shard of every batch. What is
// reported is of all processes, and the same on all; weights and state are too, so any one may save
// them, and any number of processes may go on from there. One told to stop stops all.
//
// That all replicas have the same weights is checked at the beginning and after every epoch; one
// whose weights differ is named by an Error{backend}.
//
// If a replica fails, the others give up too and the error reaches the caller. Failures before the
// update leave the trainer as it was before the step. After one in the update replicas may differ
// (as they do when such a check fails): the trainer then refuses all work until set_parameters()
// and restore() have both been called.
class Trainer {
 public:
  // Compiles the graph and draws initial weights (as Keras' initialisers, from Philox).
  // Throws Error{invalid_argument} on options that make no sense.
  Trainer(Graph graph, TrainerOptions options, Backend& backend,
          CommunicatorFactory communicators = make_local_communicators);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // One step on one batch (up to batch_size samples; a short last one is weighted right), or on
  // this process's share of it.
  // Returns the sums over the batch, made with the weights before the step.
  MetricSums train_step(const Batch& batch);
  // The same, but where a GPU trains alone nobody waits for what comes of it: the sums are those of
  // the steps that are known by now, this one or earlier ones, and a step that was not finite is an
  // error of a later call; those after it have then not been taken. finish_steps() waits for all
  // that is under way, and returns the sums of what was not told. Up to four batches are kept
  // meanwhile, so a loader must allow five leases.
  MetricSums train_ahead(const std::shared_ptr<const Batch>& batch);
  MetricSums finish_steps();
  // Trains until `options.epochs` epochs are done, counted by the loader's position. A training
  // that was under way goes on from state().stream: `data` is restored to it if it stands
  // elsewhere. If it was stopped, interrupted() is true and state() continues from the last whole
  // step. Throws Error{backend} naming step, epoch and layer when the loss is not finite; the
  // weights are then those before that step. Throws Error{invalid_argument} if the shard of `data`
  // (LoaderOptions::shard) is not {process(), processes()}: replicas take their part of it
  // themselves.
  const History& fit(Loader& data, const FitOptions& options);
  // The same with a loader of its own, of the trainer's batch size.
  const History& fit(std::shared_ptr<const Sequence> data, const FitOptions& options);
  // As Keras' fit(x, y): from arrays in memory, in another order in each epoch. x are the samples
  // of the model's one input, one after the other; y their class numbers (i32), or as many f32 a
  // sample as the model has outputs. Throws Error{invalid_argument} if they do not fit.
  const History& fit(ArrayView x, ArrayView y, const FitOptions& options);
  MetricSums evaluate(ArrayView x, ArrayView y);
  std::vector<float> predict(ArrayView x);

  // Loss and accuracy over the epoch that `data` was made to start with, in order, without dropout.
  // `data` stands at the start of that epoch again afterwards.
  MetricSums evaluate(Loader& data);
  // The model's output for each row of the batch, batch.size() x output elements. Other processes
  // take no part.
  std::vector<float> predict(const Batch& batch);

  int process() const;  // of several that train together; 0 is to write files
  int processes() const;
  const Graph& graph() const;
  const History& history() const;
  bool interrupted() const;
  std::uint64_t total_steps() const;
  double learning_rate() const;  // of the next step
  // Throws Error{invalid_argument} if it follows a schedule.
  void set_learning_rate(double value);
  void stop_after_epoch();           // the one under way; between epochs, before the next
  double data_wait_seconds() const;  // that fit() has waited for training batches, in all
  // Of the gradients of this process's first replica, in all steps. Replicas of one process have
  // nobody who adds up while they compute: nothing is hidden then.
  ExchangeTimes exchange_times() const;

  // The weights; their averages, if the optimizer keeps them (UpdateOptions::use_ema), as which
  // they are also evaluated, used to predict, and saved. What is given replaces both: give it
  // before state() is restored, which has the weights that are being trained.
  std::vector<NamedTensor> parameters() const;
  void set_parameters(std::span<const NamedTensor> parameters);
  // Everything a resume needs beside the weights; restore() takes it back and `fit` goes on from
  // there, exactly. A schedule comes back with it, unless it is a function of one's own. Throws
  // Error{invalid_argument} if the state is of another optimizer or schedule.
  TrainingState state() const;
  void restore(const TrainingState& state);
  // The model, its weights and state(). Classes and extra are the caller's to add.
  Checkpoint checkpoint() const;

  std::size_t memory_bytes() const;  // of all replicas
  // Plan::start_profile and Plan::profile, of this process's replicas together.
  void start_profile();
  std::vector<OperationTime> profile() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headrace
