#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/shard.h"
#include "headrace/train/backend.h"
#include "headrace/train/communicator.h"
#include "headrace/train/exchange_times.h"
#include "headrace/train/step_queue.h"
#include "headrace/train/step_report.h"

namespace headrace {

class GradientBuckets;

// A step as all ranks take it.
struct StepSettings {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;  // counts from 0
  double learning_rate = 0;
  int parts = 1;           // of a rank's share, computed one after the other
  std::size_t bucket = 0;  // gradients that are exchanged at a time
  std::chrono::milliseconds timeout{};
};

// What this process has of a batch: the samples [first, first + rows) of `global_rows`.
struct ProcessShare {
  const Batch* batch = nullptr;
  std::int64_t first = 0;
  std::int64_t rows = 0;
  std::int64_t global_rows = 0;
};

// One copy of the model, its share of the work, and its voice among the others. Used by one thread
// at a time.
class Replica {
 public:
  // `takes_statistics`: the model has layers that add up over all ranks while they compute.
  Replica(std::unique_ptr<Plan> plan, std::int64_t capacity, bool takes_statistics)
      : plan_(std::move(plan)), capacity_(capacity), takes_statistics_(takes_statistics) {}

  Plan& plan() { return *plan_; }
  const Plan& plan() const { return *plan_; }
  const Communicator& communicator() const { return *communicator_; }

  // Joins a group, and leaves the one before.
  void join(std::unique_ptr<Communicator> communicator);

  // Forward, backward, exchange of gradients and, if every replica agrees, the update. Without a
  // batch it says that this process was told to stop. The report is that of all ranks: unless they
  // have `stopped` or found `not_finite`, all have changed their weights, else none. An error ends
  // the step on every replica; failed_first() tells those where it began.
  StepReport step(const ProcessShare& share, const StepSettings& settings);
  // What steps may be begun in before those before them have ended; null unless this rank trains
  // alone, whole batches at once, and its plan has such a queue.
  StepQueue* queue(int parts);
  // As step() of such a rank, in two halves. The report is that of the step begun longest ago.
  void begin_step(const ProcessShare& share, const StepSettings& settings);
  StepReport end_step();
  bool failed_first() const { return failed_first_; }
  bool began_update() const { return began_update_; }
  const ExchangeTimes& exchange_times() const { return exchange_times_; }  // of all steps

  // The sums over all ranks' rows of the batch; without a batch as step().
  StepReport evaluate(const ProcessShare& share, const StepSettings& settings);
  // `output` is that of this process's whole share; this replica's rows of it are written. No
  // other process takes part. `replicas` of this process divide the rows.
  void predict(const Batch& batch, int replica, int replicas, std::span<float> output);

  // Plan::find_non_finite of its own rows. Other ranks take no part.
  std::string find_non_finite(const ProcessShare& share, const StepSettings& settings);

  // Whether any rank says so.
  bool any(bool own, std::chrono::milliseconds timeout);
  // Brings what rank 0 has into `values` of every rank, which are as many.
  void take_from_rank_0(std::span<float> values, std::chrono::milliseconds timeout);
  // Parts of `values`, one a rank, go to all.
  void gather(std::span<float> values, std::chrono::milliseconds timeout);
  // Tells all others that this one fails.
  void abort(const char* reason) noexcept { communicator_->abort(reason); }

 private:
  class Listening;
  void compute(const ProcessShare& share, const StepSettings& settings, GradientBuckets& buckets);
  std::span<float> exchanged_gradients(const StepSettings& settings);
  void add_earlier_parts(std::size_t first, std::size_t last);
  template <class Call>
  auto guarded(Call call);
  template <class Call>
  auto communicating(Call call);
  template <class Call>
  void for_each_chunk(StepInput share, Call call) const;
  StepInput own_share(const ProcessShare& share) const;
  void run(Collective operation, std::span<float> values, std::chrono::milliseconds timeout);

  std::unique_ptr<Plan> plan_;
  std::int64_t capacity_;  // rows of one call of the plan
  bool takes_statistics_;
  std::unique_ptr<Communicator> communicator_;
  bool failed_first_ = false;
  bool exchange_failed_ = false;
  bool began_update_ = false;
  std::vector<float> earlier_parts_;  // gradients of a step's parts before the last, added up
  ExchangeTimes exchange_times_;
};

}  // namespace headrace
