// How a trainer takes steps: one after the other, or, where a plan has a queue, ahead of what comes
// of them.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/trainer_impl.h"

namespace headrace {

// What is looked at before any step.
void Trainer::Impl::prepare(const Batch* batch) {
  require_usable();
  synchronize();
  if (batch != nullptr && batch->size() > options.batch_size) {
    throw Error(ErrorCode::invalid_argument, "a batch of " + std::to_string(batch->size()) +
                                                 " samples for a trainer made for " +
                                                 std::to_string(options.batch_size));
  }
  if (batch != nullptr) epoch = batch->begin().epoch;
  if (batch == nullptr && stream) epoch = stream->position.epoch;
}

void Trainer::Impl::require_finite(const StepReport& report, const ProcessShare& share,
                                   const StepSettings& of_step) {
  if (!report.not_finite) return;
  std::string found;
  for (Replica& replica : replicas) {
    found = replica.find_non_finite(share, of_step);
    if (!found.empty()) break;
  }
  throw Error(
      ErrorCode::backend,
      (std::isfinite(report.sums.loss) ? "gradients are not finite"
                                       : "the loss is " + std::to_string(report.sums.loss)) +
          " in step " + std::to_string(of_step.step + 1) + ", with a learning rate of " +
          std::to_string(of_step.learning_rate) + ": " +
          (found.empty() ? "" : "the first values that are not finite are in " + found + "; ") +
          "try a lower rate, and look for values in the data that are not finite");
}

// What fails in fit() says where.
template <class Call>
auto Trainer::Impl::at(const Batch* batch, Call call) const {
  try {
    return call();
  } catch (const Error& error) {
    if (!is_fitting || batch == nullptr) throw;
    throw error.with_context("epoch " + std::to_string(batch->begin().epoch + 1) + ", samples " +
                             std::to_string(batch->begin().sample) + " to " +
                             std::to_string(batch->end().sample));
  }
}

std::optional<MetricSums> Trainer::Impl::step(const Batch* batch) {
  prepare(batch);
  const ProcessShare share = batch != nullptr ? share_of(*batch) : ProcessShare{};
  StepReport report;
  try {
    on_every_replica([&](Replica& replica, int number) {
      const StepReport heard = replica.step(share, settings());
      if (number == 0) report = heard;
    });
  } catch (...) {
    weights_lost = state_lost = std::any_of(replicas.begin(), replicas.end(),
                                            [](const Replica& r) { return r.began_update(); });
    renew_group();
    throw;
  }
  if (report.stopped) return std::nullopt;
  require_finite(report, share, settings());
  ++total_steps;
  return report.sums;
}

bool Trainer::Impl::step_ahead(const std::shared_ptr<const Batch>& batch, std::size_t ahead,
                               MetricSums& sums) {
  if (batch == nullptr || replicas[0].queue(options.accumulate) == nullptr) {
    const auto made = at(batch.get(), [&] { return step(batch.get()); });
    if (made) sums += *made;
    return made.has_value();
  }
  try {
    at(batch.get(), [&] { begin(batch); });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled) throw;
    return false;
  }
  end_steps(ahead, sums);
  return true;
}

std::size_t Trainer::Impl::most_ahead() {
  const StepQueue* const queue = replicas[0].queue(options.accumulate);
  return queue != nullptr ? queue->capacity() - 1 : 0;
}

void Trainer::Impl::begin(const std::shared_ptr<const Batch>& batch) {
  prepare(batch.get());
  const StepSettings how = settings();
  try {
    replicas[0].begin_step(share_of(*batch), how);
  } catch (...) {
    weights_lost = state_lost = replicas[0].began_update();
    throw;
  }
  under_way.push_back({batch, how});
  ++total_steps;
}

void Trainer::Impl::end_steps(std::size_t left, MetricSums& sums) {
  while (under_way.size() > left) {
    const StepUnderWay oldest = std::move(under_way.front());
    under_way.pop_front();
    try {
      at(oldest.batch.get(), [&] {
        const StepReport report = replicas[0].end_step();
        require_finite(report, share_of(*oldest.batch), oldest.settings);
        sums += report.sums;
      });
    } catch (...) {
      take_back(oldest);
      throw;
    }
  }
}

void Trainer::Impl::take_back(const StepUnderWay& step) {
  under_way.clear();
  total_steps = step.settings.step;
  epoch = step.batch->begin().epoch;
  if (is_fitting) stream->position = step.batch->begin();
  weights_lost = state_lost = replicas[0].began_update();
}

void Trainer::Impl::settle() { end_steps(0, is_fitting ? epoch_sums : known); }

void Trainer::Impl::settle_quietly() noexcept {
  try {
    settle();
  } catch (const std::exception&) {  // the steps that it concerns are taken back
  }
}

MetricSums Trainer::train_step(const Batch& batch) {
  impl_->settle();
  const std::shared_ptr<const Batch> lent(std::shared_ptr<const void>(), &batch);
  MetricSums sums;
  if (impl_->step_ahead(lent, 0, sums)) return sums;
  throw Error(ErrorCode::cancelled, "the step was stopped; the weights are as before");
}

MetricSums Trainer::train_ahead(const std::shared_ptr<const Batch>& batch) {
  if (impl_->step_ahead(batch, impl_->most_ahead(), impl_->known)) {
    return std::exchange(impl_->known, {});
  }
  throw Error(ErrorCode::cancelled, "the step was stopped; the weights are as before");
}

MetricSums Trainer::finish_steps() {
  impl_->end_steps(0, impl_->known);
  return std::exchange(impl_->known, {});
}

}  // namespace headrace
