#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "headrace/train/callback.h"
#include "headrace/train/checkpoint.h"
#include "headrace/train/monitor.h"

namespace headrace {

// Writes the trainer's history to a file after each epoch, whole, so that a resumed training's file
// holds all its epochs. See to_csv().
class CsvLogger final : public Callback {
 public:
  explicit CsvLogger(std::filesystem::path path);
  void on_epoch_end(Trainer& trainer, const EpochRecord& epoch) override;

 private:
  std::filesystem::path path_;
};

struct CheckpointSaverOptions {
  std::filesystem::path path;
  std::uint64_t every = 1;        // epochs; not with `best`
  std::uint64_t every_steps = 0;  // and after so many steps, counted over epochs; 0: not
  // Saves only if the epoch is better than all before it, those before a resume included.
  std::optional<Monitor> best = {};
  // So many stay: `path`, the newest, and, from 2 on, the last ones under names that have their
  // step. See checkpoint_series.h.
  int keep = 1;
};

// Saves a checkpoint after every so many epochs or steps and when a training ends, or whenever an
// epoch was the best so far.
class CheckpointSaver final : public Callback {
 public:
  // `model` holds what the trainer does not know: classes, extra, extra_tensors.
  // Throws Error{invalid_argument} if `every` or `keep` is 0, or steps are given with `best`.
  CheckpointSaver(CheckpointSaverOptions options, Checkpoint model);
  void on_step_end(Trainer& trainer, const StepRecord& step) override;
  // Throws Error{invalid_argument} if the value monitored does not exist.
  void on_epoch_end(Trainer& trainer, const EpochRecord& epoch) override;
  void on_train_end(Trainer& trainer) override;
  bool runs_last() const override { return true; }

 private:
  void save(const Trainer& trainer);

  CheckpointSaverOptions options_;
  Checkpoint model_;
};

}  // namespace headrace
