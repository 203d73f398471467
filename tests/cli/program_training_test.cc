#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "program_runs.h"

namespace headrace::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class ProgramTraining : public ProgramTest {
 protected:
  std::size_t files_with(const std::string& where, const std::string& part) const {
    std::size_t found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path(where))) {
      if (entry.path().filename().string().find(part) != std::string::npos) ++found;
    }
    return found;
  }
};

TEST_F(ProgramTraining, EverythingAtOnceCanBeStoppedAndGoneOnWith) {
  export_images();
  const std::vector<std::string> options{"--optimizer",
                                         "adamw",
                                         "--weight-decay",
                                         "0.01",
                                         "--no-weight-decay",
                                         "bias",
                                         "--global-clipnorm",
                                         "1",
                                         "--ema",
                                         "0.9",
                                         "--label-smoothing",
                                         "0.1",
                                         "--schedule",
                                         "cosine:warmup=1,over=3",
                                         "--top-k",
                                         "1",
                                         "--early-stopping",
                                         "5",
                                         "--save-every-steps",
                                         "3",
                                         "--keep",
                                         "2",
                                         "--save-best",
                                         "--tensorboard",
                                         path("logs")};
  ASSERT_EQ(train("run", 2, options).status, 0);
  EXPECT_EQ(files_with("run", "model-0"), 2u);
  EXPECT_EQ(files_with("run", "best.safetensors"), 1u);
  EXPECT_EQ(files_with("logs/train", "events.out.tfevents"), 1u);
  EXPECT_THAT(read_file(path("run/history.csv")), HasSubstr(",top_k_accuracy,val_top_k_accuracy"));

  const Outcome more = headrace({"train", "--resume", "--epochs", "3", "--out", path("run")});
  ASSERT_EQ(more.status, 0) << more.errors;
  EXPECT_EQ(count_lines(read_file(path("run/history.csv"))), 4u);
  EXPECT_EQ(files_with("run", "model-0"), 2u);

  // The newest one is lost: it goes on from the one before.
  std::filesystem::resize_file(path("run/model.safetensors"), 100);
  const Outcome older = headrace({"train", "--resume", "--epochs", "4", "--out", path("run")});
  ASSERT_EQ(older.status, 0) << older.errors;
  EXPECT_THAT(older.errors, HasSubstr("going on from an older one"));

  ASSERT_EQ(train("run", 1, {"--overwrite"}).status, 0);
  EXPECT_EQ(files_with("run", "model-0"), 0u);
  EXPECT_EQ(files_with("run", "best"), 0u);
}

TEST_F(ProgramTraining, WhatCannotBeIsSaidBeforeAnythingIsDone) {
  export_images();
  const auto refused = [&](const std::vector<std::string>& options, const char* what) {
    const Outcome outcome = train("none", 1, options);
    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.errors, HasSubstr(what));
    EXPECT_FALSE(std::filesystem::exists(path("none")));
  };
  refused({"--schedule", "cosine:alpha=x"}, "--schedule cosine:alpha=x");
  refused({"--optimizer", "adam", "--nesterov"}, "--nesterov is for sgd");
  refused({"--clipnorm", "1", "--clipvalue", "1"}, "not several");
  refused({"--ema-overwrite", "5"}, "--ema");
  refused({"--early-stopping", "2", "--monitor", "mae"}, "known: loss");
}

TEST_F(ProgramTraining, EvaluateWritesWhichClassesWereTakenForWhich) {
  export_images();
  ASSERT_EQ(train("run", 1).status, 0);
  const Outcome outcome =
      headrace({"evaluate", "--model", path("run/model.safetensors"), "--data", path("test.csv"),
                "--top-k", "2", "--confusion", path("confusion.csv"), "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  const json result = json::parse(outcome.output);
  EXPECT_EQ(result["top_k_accuracy"], 1.0);
  const std::string table = read_file(path("confusion.csv"));
  EXPECT_EQ(count_lines(table), 3u);
  EXPECT_EQ(table.substr(0, 6), "class,");
}

TEST_F(ProgramTraining, ValidatesWithTheFirstOfEachClassIfToldAShare) {
  export_images();
  std::vector<std::string> arguments = {
      "train", "--data", path("train.csv"), "--epochs",           "1",  "--rescale",
      "0.01",  "--out",  path("run"),       "--validation-split", "0.2"};
  const Outcome outcome = headrace(arguments);
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  const json record = json::parse(read_file(path("run/run.json")));
  EXPECT_EQ(record["data"]["images"], 160);
  EXPECT_EQ(record["validation"]["images"], 40);
  const std::string history = read_file(path("run/history.csv"));
  EXPECT_EQ(history.find(",,"), std::string::npos) << history;
  const Outcome resumed = headrace({"train", "--resume", "--epochs", "2", "--out", path("run")});
  EXPECT_EQ(resumed.status, 0) << resumed.errors;
  arguments.insert(arguments.end(), {"--val", path("test.csv"), "--overwrite"});
  const Outcome both = headrace(arguments);
  EXPECT_NE(both.status, 0);
  EXPECT_THAT(both.errors, HasSubstr("give one of them"));
}

TEST_F(ProgramTraining, MixedImagesAreTheSameAtAnyNumberOfThreadsAndOnesAreRefusedToGoOnUnmixed) {
  export_images();
  const auto losses = [&](const std::string& out) {
    std::vector<std::string> columns;
    std::istringstream lines(read_file(path(out + "/history.csv")));
    for (std::string line; std::getline(lines, line);) {
      columns.push_back(line.substr(0, line.find(',', line.find(',') + 1)));
    }
    return columns;
  };
  const std::vector<std::string> mixing{"--mixup", "0.4", "--cutmix", "1"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), mixing.begin(), mixing.end());
    return more;
  };
  ASSERT_EQ(train("plain", 2, {}).status, 0);
  ASSERT_EQ(train("mixed", 2, with({"--loader-threads", "1"})).status, 0);
  ASSERT_EQ(train("again", 2, with({"--loader-threads", "3"})).status, 0);
  EXPECT_EQ(losses("mixed"), losses("again"));
  EXPECT_NE(losses("mixed"), losses("plain"));
  const Outcome more = headrace({"train", "--resume", "--epochs", "3", "--mixup", "0", "--cutmix",
                                 "0", "--out", path("mixed")});
  EXPECT_EQ(more.status, 1);
  EXPECT_THAT(more.errors, HasSubstr("--mixup"));
}

TEST_F(ProgramTraining, WhatWasFittedServesLaterRunsUntilTheDataChange) {
  export_images();
  const std::vector<std::string> options = {
      "bench", "loader", "--data",  path("train.csv"), "--rescale", "0.01",          "--mean",
      "pixel", "--std",  "channel", "--epochs",        "1",         "--fingerprint", "--json"};
  const auto run = [&](const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = options;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return headrace(arguments);
  };
  const Outcome first = run();
  ASSERT_EQ(first.status, 0) << first.errors;
  EXPECT_THAT(first.errors, HasSubstr("computing the mean"));
  const Outcome second = run();
  EXPECT_THAT(second.errors, HasSubstr("known from an earlier run"));
  EXPECT_THAT(second.errors, Not(HasSubstr("computing the mean")));
  const auto print = [](const Outcome& outcome) {
    return json::parse(outcome.output)["fingerprint"];
  };
  EXPECT_EQ(print(first), print(second));
  EXPECT_THAT(run({"--statistics", "none"}).errors, HasSubstr("computing the mean"));
  EXPECT_THAT(run({"--rescale", "0.02"}).errors, HasSubstr("computing the mean"));
  EXPECT_THAT(run({"--statistics", path("own")}).errors, HasSubstr(path("own")));

  const auto kept = std::filesystem::directory_iterator(path("own"))->path();
  std::string damaged = read_file(kept);
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  write_text(kept, damaged);
  EXPECT_THAT(run({"--statistics", path("own")}).errors, HasSubstr("computing the mean"));

  const std::string list = read_file(path("train.csv"));
  const std::size_t first_row = list.find('\n') + 1;  // behind the names of columns
  const std::filesystem::path image =
      folder() / list.substr(first_row, list.find(',', first_row) - first_row);
  ASSERT_TRUE(std::filesystem::exists(image)) << image;
  std::filesystem::last_write_time(image,
                                   std::filesystem::last_write_time(image) - std::chrono::hours(1));
  EXPECT_THAT(run().errors, HasSubstr("computing the mean"));
}

}  // namespace
}  // namespace headrace::cli
