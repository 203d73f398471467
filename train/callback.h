#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "headrace/train/history.h"
#include "headrace/train/loss.h"
#include "headrace/train/tensor.h"

namespace headrace {

class Trainer;

// One step, just done.
struct StepRecord {
  std::uint64_t epoch = 0;
  std::int64_t step = 0;   // of this epoch, from 0
  std::int64_t steps = 0;  // in this epoch
  std::uint64_t total_steps = 0;
  // Of this epoch so far. Where a GPU trains alone those of its last step may be missing: the next
  // has begun, and Trainer::state() waits for it.
  MetricSums epoch_sums;
  double epoch_seconds = 0;
};

// What a callback needs to go on where it was.
struct CallbackState {
  std::string text = {};  // as the callback itself reads it
  std::vector<NamedTensor> tensors = {};
};

// Something to be done while a model is trained. All calls come on the thread that called fit();
// an exception ends the training and reaches its caller. Where several processes train together
// each has its callbacks, and those that write files do so in process 0 alone.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_train_begin(Trainer&) {}
  // May change the learning rate by Trainer::set_learning_rate.
  virtual void on_epoch_begin(Trainer&, std::uint64_t /*epoch*/) {}
  virtual void on_step_end(Trainer&, const StepRecord&) {}
  // May end the training by Trainer::stop_after_epoch, as on_train_begin may.
  virtual void on_epoch_end(Trainer&, const EpochRecord&) {}
  virtual void on_train_end(Trainer&) {}

  // Callbacks are called in the order in which fit() was given them, but those that say true after
  // all others: what saves the training is to save what the others have made of it.
  virtual bool runs_last() const { return false; }
  // A callback with a name has a state: it is kept in checkpoints, and given back, before
  // on_train_begin, when a training goes on.
  virtual std::string state_name() const { return {}; }
  virtual CallbackState state() const { return {}; }
  virtual void restore(const CallbackState&) {}
};

}  // namespace headrace
