// Trainings that are really killed, in processes of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "../support/error_matcher.h"
#include "../support/temp_folder.h"
#include "fake_backend.h"
#include "headrace/train/callbacks.h"
#include "headrace/train/checkpoint_series.h"
#include "headrace/train/early_stopping.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t epochs = 4;
constexpr const char* file_variable = "HEADRACE_TEST_CHECKPOINT";
constexpr const char* step_variable = "HEADRACE_TEST_KILL_AFTER";

Graph model() {
  ModelBuilder b;
  auto x = b.dense(b.flatten(b.input({2, 2, 1})), 6, {.activation = "relu"});
  b.dense(b.dropout(x, 0.25), 3, {.activation = "softmax"});
  return b.build();
}

// All that has a state: momentum, averages that overwrite, a schedule by steps, dropout, order.
TrainerOptions options() {
  return {.batch_size = 16,
          .threads = 2,
          .loss = {.label_smoothing = 0.1},
          .optimizer = AdamW{.weight_decay = 0.01,
                             .update = {.global_clipnorm = 1,
                                        .exclude_from_weight_decay = {"bias"},
                                        .use_ema = true,
                                        .ema_momentum = 0.9,
                                        .ema_overwrite_frequency = 5}},
          .schedule = parse_schedule("cosine:initial=0.05,over=28,unit=step,warmup=3", 0, 1),
          .metrics = {.top_k = 2},
          .seed = 3};
}

class Killer final : public Callback {
 public:
  explicit Killer(std::uint64_t step) : step_(step) {}
  void on_step_end(Trainer&, const StepRecord& step) override {
    if (step.total_steps == step_) ::raise(SIGKILL);
  }

 private:
  std::uint64_t step_;
};

struct Result {
  std::vector<std::vector<float>> weights;
  std::vector<double> curves;
  std::uint64_t steps = 0;
  std::optional<std::uint64_t> best_epoch;
  bool operator==(const Result&) const = default;
};

// Trains to the end, or to the death, from where the checkpoint at `path` stands if there is one.
Result train(const std::filesystem::path& path, std::uint64_t kill_after) {
  const auto backend = make_cpu_backend();
  Trainer trainer(model(), options(), *backend);
  if (const auto found = load_newest_checkpoint(path)) {
    trainer.set_parameters(found->checkpoint.parameters);
    trainer.restore(*found->checkpoint.training);
  }
  Loader data(std::make_shared<fake::ToySequence>(100), {.batch_size = 16, .threads = 1});
  Loader validation(std::make_shared<fake::ToySequence>(40, 9, false),
                    {.batch_size = 16, .threads = 1});
  CheckpointSaver saver({.path = path, .every_steps = 3, .keep = 3}, {});
  EarlyStopping stopping({.patience = 3, .restore_best_weights = true});
  Killer killer(kill_after);
  trainer.fit(
      data,
      {.epochs = epochs, .validation = &validation, .callbacks = {&saver, &stopping, &killer}});
  Result result;
  for (const auto& tensor : trainer.parameters()) result.weights.push_back(tensor.values);
  for (const auto& tensor : trainer.state().optimizer_state)
    result.weights.push_back(tensor.values);
  for (const EpochRecord& epoch : trainer.history()) {
    result.curves.insert(result.curves.end(),
                         {epoch.loss, epoch.accuracy, *epoch.val_loss, *epoch.top_k_accuracy,
                          *epoch.val_top_k_accuracy, epoch.learning_rate});
  }
  result.steps = trainer.total_steps();
  result.best_epoch = stopping.best_epoch();
  return result;
}

// Run by the test below, in a process of its own.
TEST(TrainerKilled, DISABLED_Child) {
  const char* file = std::getenv(file_variable);
  const char* step = std::getenv(step_variable);
  ASSERT_TRUE(file != nullptr && step != nullptr);
  train(file, std::stoull(step));
  FAIL() << "it should be dead";
}

int status_of_child(const std::filesystem::path& path, std::uint64_t kill_after) {
  const std::string step = std::to_string(kill_after);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv(file_variable, path.c_str(), 1);
    ::setenv(step_variable, step.c_str(), 1);
    ::execl("/proc/self/exe", "headrace_train_test", "--gtest_also_run_disabled_tests",
            "--gtest_filter=TrainerKilled.DISABLED_Child", "--gtest_brief=1",
            static_cast<char*>(nullptr));
    ::_exit(3);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

TEST(TrainerKilled, ResumesToTheSameBits) {
  const TempFolder folder;
  const Result unbroken = train(folder / "unbroken.safetensors", 0);
  EXPECT_EQ(unbroken.steps, epochs * 7);
  // Before the first checkpoint, just before one, in mid-epoch, at an epoch's end, twice.
  const std::vector<std::vector<std::uint64_t>> deaths{{1}, {3}, {11}, {14}, {8, 23}};
  for (const auto& steps : deaths) {
    SCOPED_TRACE("killed after step " + std::to_string(steps.front()));
    const auto path = folder / (std::to_string(steps.front()) + ".safetensors");
    for (const std::uint64_t step : steps) {
      const int status = status_of_child(path, step);
      ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    }
    EXPECT_EQ(train(path, 0), unbroken);
  }
}

TEST(TrainerKilled, OfSeveralCheckpointsTheNewestWholeOneIsTaken) {
  const TempFolder folder;
  const auto path = folder / "model.safetensors";
  EXPECT_FALSE(load_newest_checkpoint(path));
  const Result unbroken = train(folder / "unbroken.safetensors", 0);
  ASSERT_TRUE(WIFSIGNALED(status_of_child(path, 13)));
  const auto numbered = numbered_checkpoints(path);
  ASSERT_EQ(numbered.size(), 3u);
  EXPECT_EQ(numbered.front(), numbered_checkpoint(path, 12));

  // What a full disk or a bad one may leave; `path` is the same file as the newest.
  std::filesystem::resize_file(numbered.front(), 5'000);
  const auto found = load_newest_checkpoint(path);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, numbered[1]);
  EXPECT_EQ(found->checkpoint.training->total_steps, 9u);
  ASSERT_FALSE(found->broken.empty());
  EXPECT_THAT(found->broken.front(), HasSubstr(path.stem().string()));
  EXPECT_EQ(train(path, 0), unbroken);
  EXPECT_EQ(numbered_checkpoints(path).size(), 3u);

  for (const auto& file : numbered_checkpoints(path)) std::filesystem::resize_file(file, 10);
  EXPECT_THAT([&] { load_newest_checkpoint(path); },
              throws_error(ErrorCode::corrupt_data, HasSubstr("model")));
}

}  // namespace
}  // namespace headrace
