#include <chrono>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/trainer_impl.h"

namespace headrace {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// Replicas take their shares of a batch themselves, and add up no gradients of other processes.
void require_whole_batches(const Loader& data) {
  const Shard& shard = data.options().shard;
  if (shard.world_size == 1) return;
  throw Error(ErrorCode::invalid_argument,
              "the loader gives rank " + std::to_string(shard.rank) + " of " +
                  std::to_string(shard.world_size) +
                  " its share of each batch: a trainer needs whole batches");
}

bool is_set(const std::atomic<bool>* stop) { return stop != nullptr && stop->load(); }

}  // namespace

// Brings the loader to where the training stands.
void Trainer::Impl::align(Loader& data) {
  const StreamState found = data.state();
  const bool other = stream && stream->fingerprint != found.fingerprint;
  const bool between_epochs = epoch_sums.samples == 0;
  if (!stream || (other && between_epochs && !restored)) {
    stream = found;  // another data set is trained on from here
  } else if (other || stream->position != found.position) {
    data.restore(*stream);
  }
  restored = false;
}

const History& Trainer::fit(Loader& data, const FitOptions& options) {
  Impl& impl = *impl_;
  impl.require_usable();
  require_whole_batches(data);
  const auto limit = data.options().epochs;
  if (limit && *limit < options.epochs) {
    throw Error(ErrorCode::invalid_argument, "a training of " + std::to_string(options.epochs) +
                                                 " epochs from a loader that ends after " +
                                                 std::to_string(*limit));
  }
  impl.align(data);

  struct StopFlag {
    Impl& impl;
    ~StopFlag() { impl.set_stop_flag(nullptr); }
  } const stop_flag{impl};
  impl.set_stop_flag(options.stop);
  impl.interrupted = false;
  for (Callback* callback : options.callbacks) callback->on_train_begin(*this);
  while (!impl.interrupted && impl.stream->position.epoch < options.epochs) {
    const std::uint64_t epoch = impl.stream->position.epoch;
    for (Callback* callback : options.callbacks) callback->on_epoch_begin(*this, epoch);
    impl.interrupted =
        !impl.train_epoch(*this, data, options) || !impl.finish_epoch(*this, options);
    if (!impl.interrupted && std::exchange(impl.stop_after_epoch, false)) break;
  }
  for (Callback* callback : options.callbacks) callback->on_train_end(*this);
  return impl.history;
}

bool Trainer::Impl::train_epoch(Trainer& trainer, Loader& data, const FitOptions& fit_options) {
  Clock::time_point mark = Clock::now();
  while (!is_set(fit_options.stop)) {
    const Clock::time_point asked = Clock::now();
    const std::optional<Batch> batch = data.next();
    data_wait_seconds += seconds_between(asked, Clock::now());
    if (!batch) {
      if (stream->position.sample > 0) return true;
      throw Error(ErrorCode::invalid_argument,
                  "an epoch without a batch: the data set has fewer samples than a batch, and the "
                  "last batch is dropped");
    }
    const std::optional<MetricSums> sums = step_of_epoch(*batch);
    if (!sums) return false;
    epoch_sums += *sums;
    stream->position = batch->end();
    const Clock::time_point now = Clock::now();
    epoch_seconds += seconds_between(std::exchange(mark, now), now);
    const StepRecord record{.epoch = batch->begin().epoch,
                            .step = batch->begin().sample / data.options().batch_size,
                            .steps = data.batches_per_epoch(),
                            .total_steps = total_steps,
                            .epoch_sums = epoch_sums,
                            .epoch_seconds = epoch_seconds};
    for (Callback* callback : fit_options.callbacks) callback->on_step_end(trainer, record);
  }
  return false;
}

std::optional<MetricSums> Trainer::Impl::step_of_epoch(const Batch& batch) {
  try {
    return step(batch);
  } catch (const Error& error) {
    throw error.with_context("epoch " + std::to_string(batch.begin().epoch + 1) + ", samples " +
                             std::to_string(batch.begin().sample) + " to " +
                             std::to_string(batch.end().sample));
  }
}

bool Trainer::Impl::finish_epoch(Trainer& trainer, const FitOptions& fit_options) {
  EpochRecord record;
  record.epoch = stream->position.epoch;
  record.loss = epoch_sums.mean_loss();
  record.accuracy = epoch_sums.accuracy();
  record.learning_rate = headrace::learning_rate(options.optimizer);
  record.seconds = epoch_seconds;
  record.images_per_second = epoch_seconds > 0 ? epoch_sums.samples / epoch_seconds : 0;
  if (fit_options.validation != nullptr) {
    const auto sums = evaluate_epoch(*fit_options.validation, fit_options.stop);
    if (!sums) return false;
    record.val_loss = sums->mean_loss();
    record.val_accuracy = sums->accuracy();
  }
  history.push_back(record);
  epoch_sums = {};
  epoch_seconds = 0;
  stream->position = {record.epoch + 1, 0};
  for (Callback* callback : fit_options.callbacks) callback->on_epoch_end(trainer, record);
  return true;
}

// Nothing if it was stopped.
std::optional<MetricSums> Trainer::Impl::evaluate_epoch(Loader& data,
                                                        const std::atomic<bool>* stop) {
  require_whole_batches(data);
  const StreamState start{{data.options().start.epoch, 0}, data.state().fingerprint};
  if (data.state().position != start.position) data.restore(start);
  MetricSums total;
  while (const std::optional<Batch> batch = data.next()) {
    if (is_set(stop)) return std::nullopt;
    try {
      total += evaluate(*batch);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::cancelled || !is_set(stop)) throw;
      return std::nullopt;
    }
  }
  data.restore(start);
  return total;
}

MetricSums Trainer::evaluate(Loader& data) {
  impl_->require_usable();
  return impl_->evaluate_epoch(data, nullptr).value();
}

}  // namespace headrace
