#include "headrace/train/callbacks.h"

#include <utility>

#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

std::optional<double> value_of(const EpochRecord& epoch, Monitor monitor) {
  switch (monitor) {
    case Monitor::loss: return epoch.loss;
    case Monitor::accuracy: return epoch.accuracy;
    case Monitor::val_loss: return epoch.val_loss;
    case Monitor::val_accuracy: return epoch.val_accuracy;
  }
  return std::nullopt;
}

bool is_better(double value, double than, Monitor monitor) {
  const bool lower = monitor == Monitor::loss || monitor == Monitor::val_loss;
  return lower ? value < than : value > than;
}

// Whether the last epoch of the history is better than all before it that have the value.
bool last_is_best(const History& history, Monitor monitor) {
  const auto last = value_of(history.back(), monitor);
  if (!last) {
    throw Error(ErrorCode::invalid_argument,
                "the best epoch cannot be told by a validation that there is none of: give "
                "validation data, or choose another value");
  }
  for (std::size_t i = 0; i + 1 < history.size(); ++i) {
    const auto before = value_of(history[i], monitor);
    if (before && !is_better(*last, *before, monitor)) return false;
  }
  return true;
}

}  // namespace

CsvLogger::CsvLogger(std::filesystem::path path) : path_(std::move(path)) {}

void CsvLogger::on_epoch_end(Trainer& trainer, const EpochRecord&) {
  write_file(path_, to_csv(trainer.history()));
}

CheckpointSaver::CheckpointSaver(CheckpointSaverOptions options, Checkpoint model)
    : options_(std::move(options)), model_(std::move(model)) {
  if (options_.every == 0) {
    throw Error(ErrorCode::invalid_argument, "a checkpoint after every 0 epochs: say 1 or more");
  }
}

void CheckpointSaver::on_epoch_end(Trainer& trainer, const EpochRecord& epoch) {
  const bool due = options_.best ? last_is_best(trainer.history(), *options_.best)
                                 : (epoch.epoch + 1) % options_.every == 0;
  if (due) save(trainer);
}

void CheckpointSaver::on_train_end(Trainer& trainer) {
  const std::pair now(trainer.total_steps(), trainer.history().size());
  if (!options_.best && saved_ != now) save(trainer);
}

void CheckpointSaver::save(const Trainer& trainer) {
  Checkpoint checkpoint = trainer.checkpoint();
  checkpoint.classes = model_.classes;
  checkpoint.extra = model_.extra;
  checkpoint.extra_tensors = model_.extra_tensors;
  save_checkpoint(options_.path, checkpoint);
  saved_ = {trainer.total_steps(), trainer.history().size()};
}

}  // namespace headrace
