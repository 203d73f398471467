#include "headrace/train/callbacks.h"

#include <algorithm>
#include <utility>

#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/checkpoint_series.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

// Whether the last epoch of the history is better than all before it that have the value.
bool last_is_best(const History& history, Monitor monitor) {
  const double last = value_of(history.back(), monitor);
  return std::all_of(history.begin(), history.end() - 1, [&](const EpochRecord& before) {
    return !has_value(before, monitor) || is_better(last, value_of(before, monitor), monitor);
  });
}

}  // namespace

CsvLogger::CsvLogger(std::filesystem::path path) : path_(std::move(path)) {}

void CsvLogger::on_epoch_end(Trainer& trainer, const EpochRecord&) {
  if (trainer.process() == 0) write_file(path_, to_csv(trainer.history()));
}

CheckpointSaver::CheckpointSaver(CheckpointSaverOptions options, Checkpoint model)
    : options_(std::move(options)), model_(std::move(model)) {
  const auto refuse = [](const char* what) { throw Error(ErrorCode::invalid_argument, what); };
  if (options_.every == 0) refuse("a checkpoint after every 0 epochs: say 1 or more");
  if (options_.keep < 1) refuse("checkpoints of which none is kept: keep 1 or more");
  if (options_.best && options_.every_steps > 0) {
    refuse("the best epoch is not known after a step: save every so many steps, or the best");
  }
}

void CheckpointSaver::on_step_end(Trainer& trainer, const StepRecord& step) {
  if (options_.every_steps > 0 && step.total_steps % options_.every_steps == 0) save(trainer);
}

void CheckpointSaver::on_epoch_end(Trainer& trainer, const EpochRecord& epoch) {
  const bool due = options_.best ? last_is_best(trainer.history(), *options_.best)
                                 : (epoch.epoch + 1) % options_.every == 0;
  if (due) save(trainer);
}

// Always, since other callbacks may have changed the weights.
void CheckpointSaver::on_train_end(Trainer& trainer) {
  if (!options_.best) save(trainer);
}

void CheckpointSaver::save(const Trainer& trainer) {
  if (trainer.process() != 0) return;
  Checkpoint checkpoint = trainer.checkpoint();
  checkpoint.classes = model_.classes;
  checkpoint.extra = model_.extra;
  checkpoint.extra_tensors = model_.extra_tensors;
  save_in_series(options_.path, checkpoint, options_.keep);
}

}  // namespace headrace
