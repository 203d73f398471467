#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "headrace/train/callback.h"

namespace headrace {

struct TensorBoardOptions {
  std::filesystem::path folder;   // for `tensorboard --logdir`
  std::uint64_t every_steps = 0;  // of the training, counted over epochs; 0: epochs alone
};

// Writes the curves of a training as TensorBoard reads them, with Keras' folders and tags: in
// train/ and validation/ epoch_loss, epoch_accuracy and epoch_top_k_accuracy, in train/ also
// epoch_learning_rate, by epoch from 0; in steps/ batch_loss, batch_accuracy (means of the epoch
// so far) and learning_rate, by step. A training that goes on adds files, and what they hold takes
// the place of what the interrupted one had written beyond.
class TensorBoardLogger final : public Callback {
 public:
  explicit TensorBoardLogger(TensorBoardOptions options);
  ~TensorBoardLogger() override;

  // These throw Error{io} naming the file.
  void on_train_begin(Trainer& trainer) override;
  void on_step_end(Trainer& trainer, const StepRecord& step) override;
  void on_epoch_end(Trainer& trainer, const EpochRecord& epoch) override;
  void on_train_end(Trainer& trainer) override;

 private:
  struct Files;
  TensorBoardOptions options_;
  std::unique_ptr<Files> files_;  // while a training is under way
};

}  // namespace headrace
