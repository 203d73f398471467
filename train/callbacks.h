#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "headrace/train/callback.h"
#include "headrace/train/checkpoint.h"

namespace headrace {

// The value of an epoch that a callback looks at. Losses are better lower, accuracies higher.
enum class Monitor : std::uint8_t { loss, accuracy, val_loss, val_accuracy };

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
  std::uint64_t every = 1;  // epochs; not with `best`
  // Saves only if the epoch is better than all before it, those before a resume included.
  std::optional<Monitor> best = {};
};

// Saves a checkpoint after every so many epochs and when a training ends, or whenever an epoch was
// the best so far.
class CheckpointSaver final : public Callback {
 public:
  // `model` holds what the trainer does not know: classes, extra, extra_tensors.
  // Throws Error{invalid_argument} if `every` is 0.
  CheckpointSaver(CheckpointSaverOptions options, Checkpoint model);
  // Throws Error{invalid_argument} if the value monitored does not exist.
  void on_epoch_end(Trainer& trainer, const EpochRecord& epoch) override;
  void on_train_end(Trainer& trainer) override;

 private:
  void save(const Trainer& trainer);

  CheckpointSaverOptions options_;
  Checkpoint model_;
  // What the last file holds, so that the end of training does not write it again.
  std::optional<std::pair<std::uint64_t, std::size_t>> saved_;  // steps and epochs done
};

}  // namespace headrace
