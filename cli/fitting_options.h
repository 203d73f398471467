#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/train/callbacks.h"
#include "headrace/train/early_stopping.h"
#include "headrace/train/trainer.h"

namespace CLI {
class App;
}

namespace headrace::cli {

// What learning rates depend on.
struct TrainingLength {
  std::uint64_t epochs = 1;
  std::uint64_t steps_per_epoch = 1;
  std::int64_t batch_size = 32;
};

// How `headrace train` fits a model: loss, optimizer, schedule, and what is done along the way.
struct FittingOptions {
  std::string optimizer = "adam";
  double learning_rate = 0;  // 0: the optimizer's own
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = -1;  // below 0: the optimizer's own
  std::vector<std::string> no_weight_decay;
  double clipvalue = 0;
  double clipnorm = 0;
  double global_clipnorm = 0;
  double ema = 0;  // momentum of averages; 0: there are none
  std::uint64_t ema_overwrite = 0;
  double label_smoothing = 0;
  std::string schedule;
  std::int64_t scale_learning_rate = 0;  // the batch that the learning rate is for; 0: any
  std::uint64_t warm_up_epochs = 0;
  std::uint64_t warm_up_steps = 0;
  int top_k = 0;

  std::string monitor = "val_loss";
  std::uint64_t early_stopping = 0;  // epochs of patience; 0: off
  double min_delta = 0;
  bool restore_best = false;
  std::uint64_t save_every = 1;
  std::uint64_t save_every_steps = 0;
  int keep = 1;
  bool save_best = false;
  std::string tensorboard;

  void add_to(CLI::App& command);

  // These throw Error{invalid_argument} naming the option.
  void check(const TrainingLength& length, bool has_validation) const;
  Optimizer make_optimizer(const TrainingLength& length) const;
  std::optional<Schedule> make_schedule(const TrainingLength& length) const;
  void set(TrainerOptions& options, const TrainingLength& length) const;
  // What --scale-learning-rate and the warm-up make of the learning rate; "" without them.
  std::string rates_text(const TrainingLength& length) const;
  // Beside the CheckpointSaver of `model_file` itself: best.safetensors, early stopping,
  // TensorBoard. `model` is as CheckpointSaver has it.
  std::vector<std::unique_ptr<Callback>> make_callbacks(const std::filesystem::path& model_file,
                                                        const Checkpoint& model) const;
  CheckpointSaverOptions saving(const std::filesystem::path& model_file) const;

 private:
  double unscaled_rate() const;
  double scale(const TrainingLength& length) const;
  double warm_up_from(const TrainingLength& length, double units) const;
  void add_warm_up(Schedule& schedule, const TrainingLength& length) const;
};

}  // namespace headrace::cli
