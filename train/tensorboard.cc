#include "headrace/train/tensorboard.h"

#include <optional>
#include <utility>

#include "headrace/train/event_file.h"
#include "headrace/train/trainer.h"

namespace headrace {

// Each is made when there is something to be written to it.
struct TensorBoardLogger::Files {
  struct Part {
    std::filesystem::path folder;
    std::int64_t from = 0;  // where this training goes on
    std::optional<EventFile> file = {};

    EventFile& get() {
      if (!file) {
        file.emplace(folder);
        if (from > 0) file->goes_on(from);
      }
      return *file;
    }
  };
  Part train;
  Part validation;
  Part steps;
};

TensorBoardLogger::TensorBoardLogger(TensorBoardOptions options) : options_(std::move(options)) {}
TensorBoardLogger::~TensorBoardLogger() = default;

void TensorBoardLogger::on_train_begin(Trainer& trainer) {
  if (trainer.process() != 0) return;
  const auto epochs = static_cast<std::int64_t>(trainer.history().size());
  const auto steps = static_cast<std::int64_t>(trainer.total_steps());
  files_ = std::make_unique<Files>(Files{{options_.folder / "train", epochs},
                                         {options_.folder / "validation", epochs},
                                         {options_.folder / "steps", steps}});
}

void TensorBoardLogger::on_step_end(Trainer& trainer, const StepRecord& step) {
  if (!files_ || options_.every_steps == 0 || step.total_steps % options_.every_steps != 0) return;
  if (step.epoch_sums.samples == 0) return;
  EventFile& file = files_->steps.get();
  const auto done = static_cast<std::int64_t>(step.total_steps) - 1;
  file.scalar(done, "batch_loss", step.epoch_sums.mean_loss());
  file.scalar(done, "batch_accuracy", step.epoch_sums.accuracy());
  file.scalar(done, "learning_rate", trainer.learning_rate());
  file.flush();
}

void TensorBoardLogger::on_epoch_end(Trainer&, const EpochRecord& epoch) {
  if (!files_) return;
  const auto number = static_cast<std::int64_t>(epoch.epoch);
  EventFile& train = files_->train.get();
  train.scalar(number, "epoch_loss", epoch.loss);
  train.scalar(number, "epoch_accuracy", epoch.accuracy);
  train.scalar(number, "epoch_learning_rate", epoch.learning_rate);
  if (epoch.top_k_accuracy) train.scalar(number, "epoch_top_k_accuracy", *epoch.top_k_accuracy);
  train.flush();
  if (!epoch.val_loss) return;
  EventFile& validation = files_->validation.get();
  validation.scalar(number, "epoch_loss", *epoch.val_loss);
  if (epoch.val_accuracy) validation.scalar(number, "epoch_accuracy", *epoch.val_accuracy);
  if (epoch.val_top_k_accuracy) {
    validation.scalar(number, "epoch_top_k_accuracy", *epoch.val_top_k_accuracy);
  }
  validation.flush();
}

void TensorBoardLogger::on_train_end(Trainer&) { files_.reset(); }

}  // namespace headrace
