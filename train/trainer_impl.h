#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/train/rank_threads.h"
#include "headrace/train/replica.h"
#include "headrace/train/trainer.h"

namespace headrace {

// What a Trainer is made of (not installed): trainer.cc has the replicas and their state,
// trainer_fit.cc the way through epochs.
struct Trainer::Impl {
  Impl(Graph model, TrainerOptions wishes, Backend& backend, CommunicatorFactory factory);

  std::vector<std::unique_ptr<Communicator>> make_group() const;
  void renew_group();
  void require_usable() const;
  // Runs task on every replica at once. Throws the error of the first that failed by itself, or
  // of the first that failed.
  template <class Task>
  void on_every_replica(Task task);
  void set_stop_flag(const std::atomic<bool>* stop);
  double rate() const;  // of the next step
  std::map<std::string, CallbackState> callback_states() const;

  int process() const { return replicas[0].communicator().rank() / options.replicas; }
  int processes() const { return replicas[0].communicator().world_size() / options.replicas; }
  ProcessShare share_of(const Batch& batch) const;
  StepSettings settings() const;

  // What all replicas of all processes do together. Without a batch (null) this process says that
  // it was told to stop. Nothing if any was; then the weights are as before.
  std::optional<MetricSums> step(const Batch* batch);
  // As step(), but the outcomes of up to `ahead` steps are left to later calls, where plans have
  // queues: added to `sums` is what has become known, of this step or earlier ones. False: it was
  // stopped.
  bool step_ahead(const std::shared_ptr<const Batch>& batch, std::size_t ahead, MetricSums& sums);
  std::size_t most_ahead();
  // Waits for the outcomes of all but `left` steps.
  void end_steps(std::size_t left, MetricSums& sums);
  // Of all; in fit() epoch_sums are then complete.
  void settle();
  void settle_quietly() noexcept;
  std::optional<MetricSums> evaluate(const Batch* batch);
  // Whether any process says so.
  bool any(bool own);
  // Makes sure that all processes stand at the same place, with the weights of the first.
  void synchronize();
  // Makes sure that they have the same weights. Otherwise no more can be done with them.
  void require_same_weights();
  // Other processes are not to wait for this one.
  void abort_group(const char* reason) noexcept;

  // trainer_steps.cc, with step() and what belongs to it
  struct StepUnderWay {
    std::shared_ptr<const Batch> batch;
    StepSettings settings;
  };
  void prepare(const Batch* batch);
  void begin(const std::shared_ptr<const Batch>& batch);
  void take_back(const StepUnderWay& step);
  void require_finite(const StepReport& report, const ProcessShare& share,
                      const StepSettings& of_step);
  template <class Call>
  auto at(const Batch* batch, Call call) const;

  // trainer_fit.cc
  void fit(Trainer& trainer, Loader& data, const FitOptions& fit_options);
  void align(Loader& data);
  // Both return whether they came to their end, and were not stopped.
  bool train_epoch(Trainer& trainer, Loader& data, const FitOptions& fit_options);
  bool finish_epoch(Trainer& trainer, const FitOptions& fit_options);
  std::optional<MetricSums> evaluate_epoch(Loader& data, const std::atomic<bool>* stop);
  bool take_steps(Trainer& trainer, Loader& data, const FitOptions& fit_options,
                  std::chrono::steady_clock::time_point& mark);
  void require_own_shard(const Loader& data);

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
  std::map<std::string, CallbackState> callbacks;  // states of those of earlier calls of fit()

  std::uint64_t epoch = 0;               // of the last batch
  std::vector<Callback*> fit_callbacks;  // while fit() runs
  ShardMode shard_mode = ShardMode::uneven;
  // Steps that a device was given, and that nobody has asked about, the oldest first. They count
  // as done: one that proves not to be finite takes back those after it.
  std::deque<StepUnderWay> under_way;
  MetricSums known;  // of those that have ended since outside fit(), not told yet
  bool is_fitting = false;

  bool synchronized = false;  // since weights or state were given
  bool restored = false;      // and not gone on since: the next loader must be of the same stream
  bool interrupted = false;
  bool stop_after_epoch = false;
  double data_wait_seconds = 0;
  // After a failed update, until the caller has given them anew.
  bool weights_lost = false;
  bool state_lost = false;
};

// While it lives the replicas' weights are their averages, if they have any.
class WithAverages {
 public:
  explicit WithAverages(std::vector<Replica>& replicas) : replicas_(replicas) { swap(); }
  ~WithAverages() { swap(); }
  WithAverages(const WithAverages&) = delete;
  WithAverages& operator=(const WithAverages&) = delete;

 private:
  void swap() {
    for (Replica& replica : replicas_) replica.plan().swap_averages();
  }
  std::vector<Replica>& replicas_;
};

template <class Task>
void Trainer::Impl::on_every_replica(Task task) {
  const auto errors =
      threads.run([&](int rank) { task(replicas[static_cast<std::size_t>(rank)], rank); });
  std::optional<std::size_t> worst;
  for (std::size_t rank = 0; rank < errors.size(); ++rank) {
    if (errors[rank] == nullptr) continue;
    if (!worst || (replicas[rank].failed_first() && !replicas[*worst].failed_first())) worst = rank;
  }
  if (!worst) return;
  if (replicas.size() == 1) std::rethrow_exception(errors[*worst]);
  try {
    std::rethrow_exception(errors[*worst]);
  } catch (const Error& error) {
    throw error.with_context("replica " + std::to_string(*worst));
  }
}

}  // namespace headrace
