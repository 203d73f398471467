#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "headrace/pipeline/loader.h"
#include "headrace/train/backend.h"
#include "headrace/train/callback.h"
#include "headrace/train/checkpoint.h"
#include "headrace/train/graph.h"
#include "headrace/train/history.h"

namespace headrace {

struct TrainerOptions {
  std::int64_t batch_size = 32;  // of all replicas together
  int replicas = 1;              // data-parallel copies, each on its share of every batch
  int threads = 0;               // of all replicas together; 0: one for each core
  Loss loss;
  Optimizer optimizer;
  std::uint64_t seed = 0;        // of initial weights and dropout
  std::chrono::milliseconds rank_timeout{60'000};
};

struct FitOptions {
  std::uint64_t epochs = 1;   // in all: a resumed training ends where it would have ended
  Loader* validation = nullptr;
  std::vector<Callback*> callbacks;
  // Set by a signal handler or another thread: the step under way is abandoned, fit() returns.
  const std::atomic<bool>* stop = nullptr;
};

// Trains a model, data-parallel: every replica has all weights, takes its share of each batch, and
// gradients are added up by a Communicator, in one order, before each update. With the same seed
// and batches any number of replicas gives the same weights up to rounding. Used by one thread at
// a time.
class Trainer {
 public:
  // Compiles the graph and draws initial weights (as Keras' initialisers, from Philox).
  // Throws Error{invalid_argument} on options that make no sense.
  Trainer(Graph graph, TrainerOptions options, Backend& backend);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // One step on one batch (up to batch_size samples; a short last one is weighted right).
  // Returns the sums over the batch, made with the weights before the step.
  MetricSums train_step(const Batch& batch);
  // Trains until `options.epochs` epochs are done, counted by the loader's position. If it was
  // stopped, interrupted() is true and state() continues from the last whole step.
  // Throws Error{backend} naming step and epoch when the loss is not finite.
  const History& fit(Loader& data, const FitOptions& options);
  // Loss and accuracy over one epoch of `data`, in order, without dropout.
  MetricSums evaluate(Loader& data);
  // The model's output for each row of the batch, batch.size() x output elements.
  std::vector<float> predict(const Batch& batch);

  const Graph& graph() const;
  const History& history() const;
  bool interrupted() const;
  std::uint64_t total_steps() const;
  double learning_rate() const;
  void set_learning_rate(double value);
  void stop_after_epoch();

  std::vector<NamedTensor> parameters() const;
  void set_parameters(std::span<const NamedTensor> parameters);
  // Everything a resume needs; restore() takes it back and `fit` goes on from there, exactly.
  TrainingState state() const;
  void restore(const TrainingState& state);

  std::size_t memory_bytes() const;  // of all replicas

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headrace
