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
namespace {

// A part of a rank's share; no other is larger than the last.
StepInput part_of(StepInput input, int part, const StepSettings& settings) {
  const Share share = share_of(input.rows, {.rank = part, .world_size = settings.parts});
  input.first += share.first;
  input.global_first += share.first;
  input.rows = share.samples;
  input.seed = settings.seed;
  input.step = settings.step;
  return input;
}

}  // namespace

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
  std::string found;
  for (int part = 0; part < settings.parts && found.empty(); ++part) {
    found = plan_->find_non_finite(part_of(own_share(share), part, settings));
  }
  return found;
}

// What the plan calls while it works. Without buckets gradients go nowhere yet.
class Replica::Listening {
 public:
  Listening(Replica& replica, GradientBuckets* buckets, std::chrono::milliseconds timeout)
      : plan_(*replica.plan_) {
    if (buckets != nullptr) {
      plan_.set_gradient_listener([&replica, buckets](std::size_t first, std::size_t last) {
        replica.add_earlier_parts(first, last);
        replica.communicating([&] { buckets->ready(last); });
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

void Replica::add_earlier_parts(std::size_t first, std::size_t last) {
  if (earlier_parts_.empty()) return;
  float* const gradients = plan_->gradients().data();
  for (std::size_t i = first; i < last; ++i) gradients[i] += earlier_parts_[i];
}

// One rank alone has nothing to add up: its gradients may stay where they are. So may those that
// are added up there.
std::span<float> Replica::exchanged_gradients(const StepSettings& settings) {
  if (communicator_->world_size() == 1) return {};
  const bool on_device = communicator_->reaches_devices() && settings.parts == 1;
  const std::span<float> device = on_device ? plan_->device_gradients() : std::span<float>{};
  return device.empty() ? plan_->gradients() : device;
}

// Every rank computes as many parts, those without rows too: statistics are taken together. The
// last one's gradients go off as soon as they are there.
void Replica::compute(const ProcessShare& share, const StepSettings& settings,
                      GradientBuckets& buckets) {
  const bool is_alone = communicator_->world_size() == 1;
  earlier_parts_.clear();
  for (int part = 0; part < settings.parts; ++part) {
    const bool is_last = part + 1 == settings.parts;
    const Listening listening(*this, is_last && !is_alone ? &buckets : nullptr, settings.timeout);
    plan_->forward_backward(part_of(own_share(share), part, settings));
    if (is_last) break;
    const std::span<const float> gradients = plan_->gradients();
    earlier_parts_.resize(gradients.size());
    for (std::size_t i = 0; i < gradients.size(); ++i) earlier_parts_[i] += gradients[i];
  }
  if (is_alone) add_earlier_parts(0, earlier_parts_.size());
}

// The order of operations is the same on every rank, those that stop too.
StepReport Replica::step(const ProcessShare& share, const StepSettings& settings) {
  failed_first_ = exchange_failed_ = began_update_ = false;
  StepReport own;
  own.stopped = share.batch == nullptr;
  // Who takes statistics together must know beforehand that all are there.
  if (takes_statistics_ && any(own.stopped, settings.timeout)) return {.stopped = true};

  GradientBuckets buckets(*communicator_, exchanged_gradients(settings), settings.bucket);
  guarded([&] {
    plan_->reset_metrics();
    if (own.stopped) return;
    try {
      compute(share, settings, buckets);
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
  const bool added_up = communicator_->world_size() > 1 || settings.parts > 1;
  if (!all.stopped && !all.not_finite) all.not_finite = !plan_->gradients_are_finite(added_up);
  if (!all.stopped && !all.not_finite) {
    began_update_ = true;
    guarded([&] { plan_->update(settings.learning_rate, settings.step + 1); });
  }
  return all;
}

StepQueue* Replica::queue(int parts) {
  return communicator_->world_size() == 1 && parts == 1 ? plan_->step_queue() : nullptr;
}

// What a device refuses may have begun.
void Replica::begin_step(const ProcessShare& share, const StepSettings& settings) {
  failed_first_ = exchange_failed_ = began_update_ = false;
  try {
    plan_->step_queue()->push(part_of(own_share(share), 0, settings), settings.learning_rate,
                              settings.step + 1);
  } catch (const Error& error) {
    began_update_ = error.code() == ErrorCode::backend;
    throw;
  }
}

StepReport Replica::end_step() {
  began_update_ = true;
  const StepQueue::Outcome outcome = plan_->step_queue()->pop();
  began_update_ = false;
  return {.not_finite = !outcome.is_finite, .sums = outcome.sums};
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
