#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "headrace/pipeline/batch.h"
#include "headrace/train/backend.h"
#include "headrace/train/communicator.h"

namespace headrace {

// What one step came to. Whether the weights changed is the same on all replicas.
struct StepOutcome {
  bool stopped = false;     // some replica saw its stop flag; no replica changed its weights
  bool not_finite = false;  // some replica's loss was not finite; the same
  MetricSums sums;          // of the replica's own rows
};

// One copy of the model, its share of the work, and its voice among the others. Used by one thread
// at a time.
class Replica {
 public:
  Replica(std::unique_ptr<Plan> plan, std::int64_t capacity)
      : plan_(std::move(plan)), capacity_(capacity) {}

  Plan& plan() { return *plan_; }
  const Plan& plan() const { return *plan_; }

  // Joins a group, and leaves the one before.
  void join(std::unique_ptr<Communicator> communicator);

  // Forward, backward, exchange of gradients and, if every replica agrees, the update. An error
  // ends the step on every replica; failed_first() tells those where it began. `step` counts from
  // 0.
  StepOutcome step(const Batch& batch, std::uint64_t seed, std::uint64_t step, double learning_rate,
                   std::chrono::milliseconds timeout);
  bool failed_first() const { return failed_first_; }
  bool began_update() const { return began_update_; }

  // The sums over this replica's rows of the batch.
  MetricSums evaluate(const Batch& batch);
  // `output` is that of the whole batch; this replica's rows of it are written.
  void predict(const Batch& batch, std::span<float> output);

 private:
  template <class Call>
  auto guarded(Call call);
  template <class Call>
  void for_each_chunk(const Batch& batch, Call call) const;
  StepInput share_of(const Batch& batch) const;

  std::unique_ptr<Plan> plan_;
  std::int64_t capacity_;  // rows of one call of the plan
  std::unique_ptr<Communicator> communicator_;
  bool failed_first_ = false;
  bool began_update_ = false;
};

}  // namespace headrace
