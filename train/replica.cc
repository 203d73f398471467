#include "headrace/train/replica.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <exception>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/gradient_buckets.h"

namespace headrace {

void Replica::join(std::unique_ptr<Communicator> communicator) {
  communicator_ = std::move(communicator);
}

// If this replica fails, the others are told at once.
template <class Call>
auto Replica::guarded(Call call) {
  try {
    return call();
  } catch (const std::exception& error) {
    failed_first_ = !exchange_failed_;
    communicator_->abort(error.what());
    throw;
  }
}

// After an error no one touches what was given to the communicator.
template <class Call>
auto Replica::communicating(Call call) {
  try {
    return call();
  } catch (const std::exception& error) {
    exchange_failed_ = true;
    communicator_->abort(error.what());
    throw;
  }
}

void Replica::run(Collective operation, std::span<float> values,
                  std::chrono::milliseconds timeout) {
  communicating([&] { communicator_->wait(communicator_->start(operation, values), timeout); });
}

bool Replica::any(bool own, std::chrono::milliseconds timeout) {
  std::array<float, 1> voices{own ? 1.0f : 0.0f};
  run(Collective::all_reduce_sum, voices, timeout);
  return voices[0] > 0;
}

void Replica::take_from_rank_0(std::span<float> values, std::chrono::milliseconds timeout) {
  run(Collective::broadcast, values, timeout);
}

void Replica::gather(std::span<float> values, std::chrono::milliseconds timeout) {
  run(Collective::all_gather, values, timeout);
}

// Shares of ranks are in their order, so a process's ranks divide what the process has.
StepInput Replica::own_share(const ProcessShare& process) const {
  const Share share = share_of(process.global_rows, {.rank = communicator_->rank(),
                                                     .world_size = communicator_->world_size()});
  StepInput input;
  input.batch = process.batch;
  input.first = share.first - process.first;
  input.rows = share.samples;
  input.global_rows = process.global_rows;
  input.global_first = share.first;
  return input;
}

std::string Replica::find_non_finite(const ProcessShare& share, const StepSettings& settings) {
  if (share.batch == nullptr) return {};
  StepInput input = own_share(share);
  input.seed = settings.seed;
  input.step = settings.step;
  return plan_->find_non_finite(input);
}

// What the plan calls while it works.
class Replica::Listening {
 public:
  Listening(Replica& replica, GradientBuckets& buckets, std::chrono::milliseconds timeout)
      : plan_(*replica.plan_) {
    if (replica.communicator_->world_size() > 1) {
      plan_.set_gradient_listener([&](std::size_t, std::size_t last) {
        replica.communicating([&] { buckets.ready(last); });
      });
    }
    if (!replica.takes_statistics_) return;
    plan_.set_statistics_reducer([&replica, timeout](std::span<float> values) {
      replica.run(Collective::all_reduce_sum, values, timeout);
    });
  }
  ~Listening() {
    plan_.set_gradient_listener({});
    plan_.set_statistics_reducer({});
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

 private:
  Plan& plan_;
};

// The order of operations is the same on every rank, those that stop too.
StepReport Replica::step(const ProcessShare& share, const StepSettings& settings) {
  failed_first_ = exchange_failed_ = began_update_ = false;
  StepReport own;
  own.stopped = share.batch == nullptr;
  // Who takes statistics together must know beforehand that all are there.
  if (takes_statistics_ && any(own.stopped, settings.timeout)) return {.stopped = true};

  // One rank alone has nothing to add up: its gradients may stay where they are.
  const bool is_alone = communicator_->world_size() == 1;
  GradientBuckets buckets(*communicator_, is_alone ? std::span<float>{} : plan_->gradients(),
                          settings.bucket);
  guarded([&] {
    plan_->reset_metrics();
    if (own.stopped) return;
    const Listening listening(*this, buckets, settings.timeout);
    StepInput input = own_share(share);
    input.seed = settings.seed;
    input.step = settings.step;
    try {
      plan_->forward_backward(input);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::cancelled) throw;
      own.stopped = true;
    }
    own.sums = plan_->metrics();
    own.not_finite = !std::isfinite(own.sums.loss);
  });
  StepReporter reporter(*communicator_);
  StepReport all = communicating([&] {
    buckets.finish();
    reporter.start(own, settings.step, settings.learning_rate);
    exchange_times_ = exchange_times_ + buckets.wait(settings.timeout);
    return reporter.wait(settings.timeout);
  });
  // All ranks have the same gradients, so they agree.
  if (!all.stopped && !all.not_finite) all.not_finite = !plan_->gradients_are_finite();
  if (!all.stopped && !all.not_finite) {
    began_update_ = true;
    guarded([&] { plan_->update(settings.learning_rate, settings.step + 1); });
  }
  return all;
}

template <class Call>
void Replica::for_each_chunk(StepInput share, Call call) const {
  const std::int64_t rows = share.rows;
  for (std::int64_t done = 0; done < rows; done += capacity_) {
    share.rows = std::min(capacity_, rows - done);
    call(share);
    share.first += share.rows;
    share.global_first += share.rows;
  }
}

StepReport Replica::evaluate(const ProcessShare& share, const StepSettings& settings) {
  failed_first_ = exchange_failed_ = false;
  StepReport own;
  own.stopped = share.batch == nullptr;
  guarded([&] {
    plan_->reset_metrics();
    if (own.stopped) return;
    try {
      for_each_chunk(own_share(share), [&](const StepInput& chunk) { plan_->evaluate(chunk); });
    } catch (const Error& error) {
      if (error.code() != ErrorCode::cancelled) throw;
      own.stopped = true;
    }
    own.sums = plan_->metrics();
  });
  StepReporter reporter(*communicator_);
  return communicating([&] {
    reporter.start(own, settings.step, settings.learning_rate);
    return reporter.wait(settings.timeout);
  });
}

void Replica::predict(const Batch& batch, int replica, int replicas, std::span<float> output) {
  const Share share = share_of(batch.size(), {.rank = replica, .world_size = replicas});
  StepInput input;
  input.batch = &batch;
  input.first = input.global_first = share.first;
  input.rows = share.samples;
  input.global_rows = batch.size();
  const std::size_t width = output.size() / static_cast<std::size_t>(batch.size());
  for_each_chunk(input, [&](const StepInput& chunk) {
    plan_->predict(chunk, output.subspan(static_cast<std::size_t>(chunk.first) * width,
                                         static_cast<std::size_t>(chunk.rows) * width));
  });
}

}  // namespace headrace
