#include "headrace/train/callbacks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../support/error_matcher.h"
#include "../support/file_size_limit.h"
#include "../support/temp_folder.h"
#include "fake_backend.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

using fake::LinearBackend;
using fake::ToySequence;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Callbacks : public ::testing::Test {
 protected:
  static TrainerOptions options() {
    TrainerOptions options;
    options.batch_size = 16;
    options.threads = 1;
    options.optimizer = Sgd{.learning_rate = 0.1, .momentum = 0.9};
    return options;
  }
  void fit(std::uint64_t epochs, std::vector<Callback*> callbacks,
           const std::atomic<bool>* stop = nullptr) {
    trainer_.fit(data_, {.epochs = epochs,
                         .validation = &validation_,
                         .callbacks = std::move(callbacks),
                         .stop = stop});
  }
  // Epochs that the checkpoint has behind it.
  std::size_t epochs_saved() const { return load_checkpoint(path_).training->history.size(); }

  TempFolder folder_;
  std::filesystem::path path_ = folder_ / "model.safetensors";
  LinearBackend backend_;
  Trainer trainer_{fake::linear_graph(), options(), backend_};
  Loader data_{std::make_shared<ToySequence>(64), {.batch_size = 16, .threads = 1}};
  Loader validation_{std::make_shared<ToySequence>(32, 9, false), {.batch_size = 16, .threads = 1}};
};

// Records how many epochs the file at `path` holds at the end of each epoch; 0 if there is none.
class Watcher final : public Callback {
 public:
  explicit Watcher(std::filesystem::path path) : path_(std::move(path)) {}
  void on_epoch_end(Trainer&, const EpochRecord&) override {
    const bool there = std::filesystem::exists(path_);
    seen.push_back(there ? load_checkpoint(path_).training->history.size() : 0);
  }
  bool runs_last() const override { return true; }
  std::vector<std::size_t> seen;

 private:
  std::filesystem::path path_;
};

TEST_F(Callbacks, CsvLoggerWritesTheHistoryAfterEachEpoch) {
  const auto path = folder_ / "history.csv";
  CsvLogger logger(path);
  fit(1, {&logger});
  EXPECT_EQ(bytes_of(path), to_csv(trainer_.history()));
  fit(3, {&logger});
  EXPECT_EQ(bytes_of(path), to_csv(trainer_.history()));
  EXPECT_EQ(history_from_csv(bytes_of(path)).size(), 3u);
}

TEST_F(Callbacks, CsvLoggerKeepsTheOldFileWhenTheDiskIsFull) {
  const auto path = folder_ / "history.csv";
  CsvLogger logger(path);
  fit(1, {&logger});
  const std::string before = bytes_of(path);
  EXPECT_THAT(
      [&] {
        const FileSizeLimit limit(before.size());
        fit(2, {&logger});
      },
      throws_error(ErrorCode::io, HasSubstr("history.csv")));
  EXPECT_EQ(bytes_of(path), before);
}

TEST_F(Callbacks, CheckpointSaverSavesEverySoManyEpochsAndAtTheEnd) {
  CheckpointSaver saver({.path = path_, .every = 2}, {});
  Watcher watcher(path_);
  fit(5, {&saver, &watcher});
  EXPECT_THAT(watcher.seen, ElementsAre(0, 2, 2, 4, 4));
  EXPECT_EQ(epochs_saved(), 5u);
}

TEST_F(Callbacks, CheckpointSaverAddsWhatTheTrainerDoesNotKnow) {
  CheckpointSaver saver({.path = path_}, {.graph = {},
                                          .loss = {},
                                          .parameters = {},
                                          .classes = {"a", "b", "c"},
                                          .extra = {{"recipe", "{}"}},
                                          .extra_tensors = {{"mean", {1}, {0.5f}}},
                                          .training = {}});
  fit(1, {&saver});
  const Checkpoint saved = load_checkpoint(path_);
  EXPECT_THAT(saved.classes, ElementsAre("a", "b", "c"));
  EXPECT_EQ(saved.extra.at("recipe"), "{}");
  EXPECT_EQ(saved.extra_tensors.at(0).name, "mean");
  EXPECT_EQ(saved.parameters.at(0).values, trainer_.parameters().at(0).values);
  EXPECT_EQ(saved.graph.to_json(), trainer_.graph().to_json());
}

TEST_F(Callbacks, CheckpointSaverSavesAnInterruptedTraining) {
  std::atomic<bool> stop{false};
  backend_.settings.hook = [&, steps = 0](const std::string& call, int) mutable {
    if (call == "update" && ++steps == 6) stop = true;
  };
  CheckpointSaver saver({.path = path_, .every = 10}, {});
  fit(5, {&saver}, &stop);
  ASSERT_TRUE(trainer_.interrupted());
  EXPECT_EQ(load_checkpoint(path_).training->total_steps, 6u);
}

// Ruins the weights at the beginning of chosen epochs, and mends them at the next.
class Ruiner final : public Callback {
 public:
  explicit Ruiner(std::vector<std::uint64_t> epochs) : epochs_(std::move(epochs)) {}
  void on_epoch_begin(Trainer& trainer, std::uint64_t epoch) override {
    if (!good_.empty()) trainer.set_parameters(std::exchange(good_, {}));
    trainer.set_learning_rate(0.1);
    for (const std::uint64_t ruined : epochs_) {
      if (ruined != epoch) continue;
      good_ = trainer.parameters();
      auto bad = good_;
      for (float& value : bad[0].values) value = -10 * value;
      trainer.set_parameters(bad);
      trainer.set_learning_rate(0);
    }
  }

 private:
  std::vector<std::uint64_t> epochs_;
  std::vector<NamedTensor> good_;
};

TEST_F(Callbacks, CheckpointSaverKeepsTheBestEpoch) {
  for (const Monitor monitor : {Monitor::loss, Monitor::val_loss, Monitor::val_accuracy}) {
    LinearBackend backend;
    Trainer trainer(fake::linear_graph(), options(), backend);
    data_.restore({{}, data_.state().fingerprint});
    std::filesystem::remove(path_);
    Ruiner ruiner({1, 2});
    Watcher watcher(path_);
    CheckpointSaver saver({.path = path_, .best = monitor}, {});
    const FitOptions first{
        .epochs = 2, .validation = &validation_, .callbacks = {&ruiner, &saver, &watcher}};
    trainer.fit(data_, first);
    // Resumed by another saver, which must know of the good first epoch.
    CheckpointSaver resumed({.path = path_, .best = monitor}, {});
    const FitOptions rest{
        .epochs = 6, .validation = &validation_, .callbacks = {&ruiner, &resumed, &watcher}};
    trainer.fit(data_, rest);
    EXPECT_THAT(std::vector(watcher.seen.begin(), watcher.seen.begin() + 3), ElementsAre(1, 1, 1));
    const auto saved = load_checkpoint(path_).training->history;
    for (const EpochRecord& epoch : trainer.history()) {
      if (monitor == Monitor::loss) {
        EXPECT_LE(saved.back().loss, epoch.loss);
      } else if (monitor == Monitor::val_loss) {
        EXPECT_LE(saved.back().val_loss, epoch.val_loss);
      } else {
        EXPECT_GE(saved.back().val_accuracy, epoch.val_accuracy);
      }
    }
  }
}

TEST_F(Callbacks, CheckpointSaverRefusesWhatCannotBe) {
  EXPECT_THAT([&] { CheckpointSaver({.path = path_, .every = 0}, {}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("0 epochs")));
  CheckpointSaver saver({.path = path_, .best = Monitor::val_loss}, {});
  EXPECT_THAT([&] { trainer_.fit(data_, {.epochs = 1, .callbacks = {&saver}}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("validation")));
}

}  // namespace
}  // namespace headrace
