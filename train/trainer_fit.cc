#include <algorithm>
#include <chrono>
#include <memory>
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

bool is_set(const std::atomic<bool>* stop) { return stop != nullptr && stop->load(); }

// A batch, or nothing at the end of an epoch; or word that all this is to stop.
struct Next {
  std::optional<Batch> batch;
  bool stopped = false;
};

Next next_of(Loader& data, const std::atomic<bool>* stop) {
  try {
    return {data.next(), is_set(stop)};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled || !is_set(stop)) throw;
    return {std::nullopt, true};
  }
}

// Whether what is left of the epoch makes no batch.
bool is_at_end(const Loader& data, const Position& position) {
  const LoaderOptions& options = data.options();
  const std::int64_t left = data.sequence().size() - position.sample;
  const std::int64_t samples = std::min(left, options.batch_size);
  return samples <= 0 || (options.drop_last && samples < options.batch_size) ||
         shared_samples(samples, options.shard) == 0;
}

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
  impl_->require_usable();
  try {
    impl_->fit(*this, data, options);
  } catch (const std::exception& error) {
    impl_->abort_group(error.what());
    throw;
  }
  return impl_->history;
}

std::map<std::string, CallbackState> Trainer::Impl::callback_states() const {
  std::map<std::string, CallbackState> states = callbacks;
  for (const Callback* callback : fit_callbacks) {
    const std::string name = callback->state_name();
    if (!name.empty()) states[name] = callback->state();
  }
  return states;
}

void Trainer::Impl::fit(Trainer& trainer, Loader& data, const FitOptions& wishes) {
  FitOptions fit_options = wishes;
  std::stable_partition(fit_options.callbacks.begin(), fit_options.callbacks.end(),
                        [](const Callback* callback) { return !callback->runs_last(); });
  require_own_shard(data);
  const auto limit = data.options().epochs;
  if (limit && *limit < fit_options.epochs) {
    throw Error(ErrorCode::invalid_argument, "a training of " + std::to_string(fit_options.epochs) +
                                                 " epochs from a loader that ends after " +
                                                 std::to_string(*limit));
  }
  settle();
  known = {};
  align(data);
  synchronize();

  struct Under {
    Impl& impl;
    ~Under() {
      impl.settle_quietly();
      impl.is_fitting = false;
      impl.set_stop_flag(nullptr);
      impl.fit_callbacks.clear();
    }
  } const ending{*this};
  is_fitting = true;
  set_stop_flag(fit_options.stop);
  interrupted = stop_after_epoch = false;
  for (Callback* callback : fit_options.callbacks) {
    const auto state = callbacks.find(callback->state_name());
    if (state != callbacks.end()) callback->restore(state->second);
  }
  fit_callbacks = fit_options.callbacks;
  for (Callback* callback : fit_options.callbacks) callback->on_train_begin(trainer);
  while (!interrupted && stream->position.epoch < fit_options.epochs) {
    if (any(std::exchange(stop_after_epoch, false))) break;
    epoch = stream->position.epoch;
    for (Callback* callback : fit_options.callbacks) callback->on_epoch_begin(trainer, epoch);
    interrupted = !train_epoch(trainer, data, fit_options) || !finish_epoch(trainer, fit_options);
  }
  for (Callback* callback : fit_options.callbacks) callback->on_train_end(trainer);
  callbacks = callback_states();
}

bool Trainer::Impl::train_epoch(Trainer& trainer, Loader& data, const FitOptions& fit_options) {
  Clock::time_point mark = Clock::now();
  const bool is_whole = take_steps(trainer, data, fit_options, mark);
  if (under_way.empty()) return is_whole;
  settle();
  epoch_seconds += seconds_between(mark, Clock::now());
  return is_whole;
}

bool Trainer::Impl::take_steps(Trainer& trainer, Loader& data, const FitOptions& fit_options,
                               Clock::time_point& mark) {
  // Their batches are held until it is known what came of them.
  const auto leases = static_cast<std::size_t>(data.options().leases);
  const std::size_t ahead = std::min(most_ahead(), leases - 1);
  for (;;) {
    const Clock::time_point asked = Clock::now();
    Next next = next_of(data, fit_options.stop);
    data_wait_seconds += seconds_between(asked, Clock::now());
    if (!next.batch && (!next.stopped || is_at_end(data, stream->position))) {
      if (stream->position.sample > 0) return true;
      throw Error(ErrorCode::invalid_argument,
                  "an epoch without a batch: the data set has fewer samples than a batch, and the "
                  "last batch is dropped");
    }
    // The others must hear of it.
    if (next.stopped && processes() == 1) return false;
    std::shared_ptr<const Batch> taken;
    if (!next.stopped) taken = std::make_shared<const Batch>(*std::move(next.batch));
    if (!step_ahead(taken, ahead, epoch_sums)) return false;
    const Batch& batch = *taken;
    stream->position = batch.end();
    const Clock::time_point now = Clock::now();
    epoch_seconds += seconds_between(std::exchange(mark, now), now);
    const StepRecord record{.epoch = batch.begin().epoch,
                            .step = batch.begin().sample / data.options().batch_size,
                            .steps = data.batches_per_epoch(),
                            .total_steps = total_steps,
                            .epoch_sums = epoch_sums,
                            .epoch_seconds = epoch_seconds};
    for (Callback* callback : fit_options.callbacks) callback->on_step_end(trainer, record);
  }
}

bool Trainer::Impl::finish_epoch(Trainer& trainer, const FitOptions& fit_options) {
  require_same_weights();
  EpochRecord record;
  record.epoch = stream->position.epoch;
  record.loss = epoch_sums.mean_loss();
  record.accuracy = epoch_sums.accuracy();
  const std::uint64_t last_step = total_steps > 0 ? total_steps - 1 : 0;
  record.learning_rate = options.schedule ? (*options.schedule)(record.epoch, last_step) : rate();
  if (options.metrics.top_k > 0) record.top_k_accuracy = epoch_sums.top_k_accuracy();
  record.seconds = epoch_seconds;
  record.images_per_second = epoch_seconds > 0 ? epoch_sums.samples / epoch_seconds : 0;
  if (fit_options.validation != nullptr) {
    const auto sums = evaluate_epoch(*fit_options.validation, fit_options.stop);
    if (!sums) return false;
    record.val_loss = sums->mean_loss();
    record.val_accuracy = sums->accuracy();
    if (options.metrics.top_k > 0) record.val_top_k_accuracy = sums->top_k_accuracy();
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
  require_own_shard(data);
  const WithAverages averages(replicas);
  const StreamState start{{data.options().start.epoch, 0}, data.state().fingerprint};
  if (data.state().position != start.position) data.restore(start);
  MetricSums total;
  Position position = start.position;
  for (;;) {
    const Next next = next_of(data, stop);
    if (!next.batch && (!next.stopped || is_at_end(data, position))) break;
    const auto sums = evaluate(next.stopped ? nullptr : &next.batch.value());
    if (!sums) return std::nullopt;
    total += *sums;
    position = next.batch->end();
  }
  if (!is_set(stop)) data.restore(start);
  return total;
}

MetricSums Trainer::evaluate(Loader& data) {
  impl_->require_usable();
  try {
    impl_->synchronize();
    const auto sums = impl_->evaluate_epoch(data, nullptr);
    if (!sums) throw Error(ErrorCode::cancelled, "another process was told to stop");
    return *sums;
  } catch (const std::exception& error) {
    impl_->abort_group(error.what());
    throw;
  }
}

}  // namespace headrace
