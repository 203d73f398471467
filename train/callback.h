#pragma once

#include <cstdint>

#include "headrace/train/history.h"
#include "headrace/train/loss.h"

namespace headrace {

class Trainer;

// One step, just done.
struct StepRecord {
  std::uint64_t epoch = 0;
  std::int64_t step = 0;   // of this epoch, from 0
  std::int64_t steps = 0;  // in this epoch
  std::uint64_t total_steps = 0;
  MetricSums epoch_sums;  // of this epoch so far
  double epoch_seconds = 0;
};

// Something to be done while a model is trained. All calls come on the thread that called fit();
// an exception ends the training and reaches its caller.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_train_begin(Trainer&) {}
  // May change the learning rate by Trainer::set_learning_rate.
  virtual void on_epoch_begin(Trainer&, std::uint64_t /*epoch*/) {}
  virtual void on_step_end(Trainer&, const StepRecord&) {}
  // May end the training by Trainer::stop_after_epoch.
  virtual void on_epoch_end(Trainer&, const EpochRecord&) {}
  virtual void on_train_end(Trainer&) {}
};

}  // namespace headrace
