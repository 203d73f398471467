#pragma once

#include <memory>
#include <optional>
#include <string>

#include "headrace/cli/image_data.h"
#include "headrace/cli/interrupt.h"
#include "headrace/cli/loading.h"
#include "headrace/cli/run_folder.h"
#include "headrace/cli/run_record.h"
#include "headrace/cli/train_options.h"
#include "headrace/train/trainer.h"

namespace headrace::cli {

// One run of `headrace train`, from options to files.
class TrainingRun {
 public:
  // Opens data and model; nothing is written yet. Throws Error.
  // `group` is the processes that this one trains with, or null; only the first of them writes
  // files and results.
  TrainingRun(const TrainOptions& options, const CLI::App& command, Interrupt& interrupt,
              ProcessGroup* group);
  ~TrainingRun();

  // Trains, writes the files of the run, prints the result. Returns the exit status.
  int execute();

 private:
  void load_checkpoint_to_resume();
  void check_resumable() const;
  void make_loaders();
  std::shared_ptr<const Sequence> mixed(std::shared_ptr<const Sequence> images) const;
  void make_trainer();
  void take_weights();
  void fit();
  void draw_curves();
  void write_record(std::string_view status, Json details);
  Json result() const;
  void print_result() const;
  int report_interruption();

  bool writes() const { return group_ == nullptr || group_->process() == 0; }

  TrainingLength length() const;

  const TrainOptions& options_;
  std::optional<int> gpu_;  // none: the CPU
  Interrupt& interrupt_;
  ProcessGroup* group_;
  RunFolder folder_;
  Loading loading_;  // outlives the loaders
  RunRecord record_;
  ImageData training_;
  std::optional<ImageData> validation_;
  Recipe recipe_;
  Graph graph_;
  std::optional<Checkpoint> resumed_;

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Loader> training_loader_;
  std::unique_ptr<Loader> validation_loader_;
  bool interrupted_ = false;
};

}  // namespace headrace::cli
