#include "headrace/train/replica.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <utility>

#include "headrace/pipeline/error.h"

namespace headrace {

void Replica::join(std::unique_ptr<Communicator> communicator) {
  communicator_ = std::move(communicator);
}

// What this replica does alone: if it fails, the others are told at once.
template <class Call>
auto Replica::guarded(Call call) {
  try {
    return call();
  } catch (const std::exception& error) {
    failed_first_ = true;
    communicator_->abort(error.what());
    throw;
  }
}

StepInput Replica::share_of(const Batch& batch) const {
  const std::int64_t ranks = communicator_->world_size();
  const std::int64_t rank = communicator_->rank();
  StepInput input;
  input.batch = &batch;
  input.first = rank * batch.size() / ranks;
  input.rows = (rank + 1) * batch.size() / ranks - input.first;
  input.global_rows = batch.size();
  input.global_first = input.first;
  return input;
}

StepOutcome Replica::step(const Batch& batch, std::uint64_t seed, std::uint64_t step,
                          double learning_rate, std::chrono::milliseconds timeout) {
  failed_first_ = false;
  began_update_ = false;
  StepInput input = share_of(batch);
  input.seed = seed;
  input.step = step;

  StepOutcome outcome;
  const std::span<float> gradients = guarded([&] {
    plan_->reset_metrics();
    try {
      plan_->forward_backward(input);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::cancelled) throw;
      outcome.stopped = true;
    }
    outcome.sums = plan_->metrics();
    return plan_->gradients();
  });

  // Whether to update is decided by all, so that all weights change or none: the replicas vote
  // along with the gradients, those that were stopped too, and only a step without a voice against
  // it is taken.
  std::array<float, 2> against{outcome.stopped ? 1.0f : 0.0f,
                               std::isfinite(outcome.sums.loss) ? 0.0f : 1.0f};
  try {
    const auto vote = communicator_->start(Collective::all_reduce_sum, against);
    const auto sum = communicator_->start(Collective::all_reduce_sum, gradients);
    communicator_->wait(vote, timeout);
    communicator_->wait(sum, timeout);
  } catch (const std::exception& error) {
    communicator_->abort(error.what());  // also: from here on no one touches the two buffers
    throw;
  }
  outcome.stopped = against[0] > 0;
  outcome.not_finite = against[1] > 0;
  if (!outcome.stopped && !outcome.not_finite) {
    began_update_ = true;
    guarded([&] { plan_->update(learning_rate, step + 1); });
  }
  return outcome;
}

template <class Call>
void Replica::for_each_chunk(const Batch& batch, Call call) const {
  const StepInput share = share_of(batch);
  for (std::int64_t done = 0; done < share.rows; done += capacity_) {
    StepInput chunk = share;
    chunk.first += done;
    chunk.global_first += done;
    chunk.rows = std::min(capacity_, share.rows - done);
    call(chunk);
  }
}

MetricSums Replica::evaluate(const Batch& batch) {
  plan_->reset_metrics();
  for_each_chunk(batch, [&](const StepInput& chunk) { plan_->evaluate(chunk); });
  return plan_->metrics();
}

void Replica::predict(const Batch& batch, std::span<float> output) {
  const std::size_t width = output.size() / static_cast<std::size_t>(batch.size());
  for_each_chunk(batch, [&](const StepInput& chunk) {
    plan_->predict(chunk, output.subspan(static_cast<std::size_t>(chunk.first) * width,
                                         static_cast<std::size_t>(chunk.rows) * width));
  });
}

}  // namespace headrace
