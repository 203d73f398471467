#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "headrace/train/callback.h"
#include "headrace/train/monitor.h"

namespace headrace {

struct EarlyStoppingOptions {
  Monitor monitor = Monitor::val_loss;
  double min_delta = 0;                 // less is no improvement
  std::uint64_t patience = 0;           // epochs without one that are put up with
  std::optional<double> baseline = {};  // only better values than this count as improvements
  std::uint64_t start_from_epoch = 0;   // epochs before it are not looked at
  bool restore_best_weights = false;    // when the training ends; not when it is interrupted
};

// Ends a training that gets no better, as Keras' callback of that name. What it has seen is part of
// the training's state: one that goes on, or that had been ended by it, decides as if it had never
// been interrupted.
class EarlyStopping final : public Callback {
 public:
  // Throws Error{invalid_argument} unless min_delta is a number of at least 0.
  explicit EarlyStopping(EarlyStoppingOptions options = {});

  // The epoch, counted from 0, with the best value; absent before the first.
  std::optional<std::uint64_t> best_epoch() const { return best_epoch_; }
  bool stopped() const { return stopped_; }  // the training

  void on_train_begin(Trainer& trainer) override;
  // Throws Error{invalid_argument} if the value monitored does not exist.
  void on_epoch_end(Trainer& trainer, const EpochRecord& epoch) override;
  void on_train_end(Trainer& trainer) override;
  std::string state_name() const override;
  CallbackState state() const override;
  // Throws Error{corrupt_data}.
  void restore(const CallbackState& state) override;

 private:
  EarlyStoppingOptions options_;
  std::uint64_t wait_ = 0;  // epochs since the last improvement
  std::optional<double> best_;
  std::optional<std::uint64_t> best_epoch_;
  bool stopped_ = false;
  std::vector<NamedTensor> best_weights_;
};

}  // namespace headrace
