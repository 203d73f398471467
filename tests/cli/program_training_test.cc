#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "program_runs.h"

namespace headrace::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

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

}  // namespace
}  // namespace headrace::cli
