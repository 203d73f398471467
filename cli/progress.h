#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "headrace/cli/loader_view.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/loader.h"
#include "headrace/train/callback.h"

namespace headrace::cli {

// "12,345"; a number of images or steps.
std::string with_commas(std::int64_t number);
// "0.8 s", "42 s", "3:07", "1:02:07".
std::string duration(double seconds);

// Where a training stands.
struct TrainingProgress {
  std::uint64_t epoch = 0;  // under way, from 0
  std::uint64_t epochs = 0;
  std::int64_t step = 0;  // of this epoch, done
  std::int64_t steps = 0;
  double images_per_second = 0;
  double seconds_left = 0;  // of the whole training
  double loss = 0;
  double accuracy = 0;
  std::string loader;  // how it is doing: LoaderView
};

// "epoch 2/5 [=====>      ] 210/469  24,310 images/s  1:02 left  loss 0.4210  accuracy 0.851
// queue 3/6  wait 2 %  trainer slow": what fits into `width` columns, the bar taking what is left
// over.
std::string progress_bar(const TrainingProgress& progress, int width);
// "epoch 2/5  loss 0.4210  accuracy 0.851  val_loss ...  2.41 s  24,310 images/s"
std::string epoch_line(const EpochRecord& record, std::uint64_t epochs);

// Shows a training's progress: a bar on a terminal, and a line at the end of each epoch.
class ProgressReport final : public Callback {
 public:
  ProgressReport(Terminal& terminal, std::uint64_t epochs, const Loader& loader);
  void on_step_end(Trainer& trainer, const StepRecord& record) override;
  void on_epoch_end(Trainer& trainer, const EpochRecord& record) override;
  void on_train_end(Trainer& trainer) override;

 private:
  Terminal& terminal_;
  std::uint64_t epochs_;
  const Loader& loader_;
  LoaderView view_{"trainer"};
  std::chrono::steady_clock::time_point next_{};
};

// Shows how far a count has come, on a terminal alone: "reading the mean image [==>   ] 12 %".
class CountReport {
 public:
  CountReport(Terminal& terminal, std::string what, std::int64_t total);
  ~CountReport();
  CountReport(const CountReport&) = delete;
  CountReport& operator=(const CountReport&) = delete;
  // `detail`, called when it is drawn, stands behind the bar.
  void update(std::int64_t done, const std::function<std::string()>& detail = {});

 private:
  Terminal& terminal_;
  std::string what_;
  std::int64_t total_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace headrace::cli
