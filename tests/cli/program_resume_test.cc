#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "program_runs.h"

namespace headrace::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Losses and accuracies of all epochs; times differ from run to run.
std::vector<std::string> curves(const std::string& history) {
  std::vector<std::string> rows;
  for (std::size_t at = 0; at < history.size();) {
    const std::size_t end = history.find('\n', at);
    std::size_t cut = at;
    for (int commas = 0; commas < 5 && cut < end; ++cut) commas += history[cut] == ',';
    rows.push_back(history.substr(at, cut - at));
    at = end + 1;
  }
  return rows;
}

class ProgramResume : public ProgramTest {
 protected:
  // Starts a long training into folder()/run, and does `then` when its first epochs are done.
  Outcome start_and(const std::string& then) {
    return bash(
        "set -m\n"  // so that the job does not ignore SIGINT
        "cd '" +
        folder().string() +
        "'\n"
        "\"$headrace\" train --data train.csv --val test.csv --epochs 300 --batch-size 20 "
        "--rescale 0.01 --mean pixel --width-shift 0.1 --seed 4 --out run &\n"
        "for ((i = 0; i < 2000; i++)); do [[ ! -s run/history.csv ]] || break; "
        "sleep 0.05; done\n" +
        then);
  }
  void expect_same_as_unbroken(int epochs) {
    const std::string total = std::to_string(epochs);
    const Outcome resumed =
        bash("cd '" + folder().string() + "'; exec \"$headrace\" train --resume --quiet --epochs " +
             total + " --out run");
    ASSERT_EQ(resumed.status, 0) << resumed.errors;
    const Outcome unbroken = bash("cd '" + folder().string() +
                                  "'; exec \"$headrace\" train --config run/run.json "
                                  "--quiet --epochs " +
                                  total + " --out unbroken");
    ASSERT_EQ(unbroken.status, 0) << unbroken.errors;
    const auto expected = curves(read_file(path("unbroken/history.csv")));
    EXPECT_EQ(expected.size(), static_cast<std::size_t>(epochs) + 1);
    EXPECT_EQ(curves(read_file(path("run/history.csv"))), expected);
  }
  int epochs_done() const {
    return static_cast<int>(count_lines(read_file(path("run/history.csv")))) - 1;
  }
};

TEST_F(ProgramResume, CtrlCSavesAndTheRunGoesOnAsIfNothingHadBeen) {
  export_images();
  const Outcome stopped = start_and("kill -INT %1; wait %1");
  EXPECT_EQ(stopped.status, 130) << stopped.errors;
  EXPECT_THAT(stopped.errors, HasSubstr("to go on: headrace train --out run --resume"));
  EXPECT_EQ(json::parse(read_file(path("run/run.json")))["outcome"]["status"], "interrupted");
  expect_same_as_unbroken(epochs_done() + 2);
}

TEST_F(ProgramResume, ARunGoesOnWithAnotherBatchSizeFromWhereItStopped) {
  export_images();
  ASSERT_EQ(start_and("kill -INT %1; wait %1").status, 130);
  const json stopped = json::parse(read_file(path("run/run.json")))["outcome"];
  const int epochs = epochs_done() + 1;
  const Outcome resumed =
      bash("cd '" + folder().string() + "'; exec \"$headrace\" train --resume --batch-size 50 " +
           "--out run --epochs " + std::to_string(epochs));
  ASSERT_EQ(resumed.status, 0) << resumed.errors;
  EXPECT_EQ(epochs_done(), epochs);
  const json run = json::parse(read_file(path("run/run.json")));
  EXPECT_EQ(run["options"]["batch-size"], 50);
  // What was left of 200 images of the epoch, in fewer steps than batches of 20 would take.
  const std::int64_t steps =
      run["outcome"]["steps"].get<std::int64_t>() - stopped["steps"].get<std::int64_t>();
  EXPECT_GE(steps, 1);
  EXPECT_LE(steps, 4);
}

TEST_F(ProgramResume, SigtermStopsAlike) {
  export_images();
  const Outcome stopped = start_and("kill -TERM %1; wait %1");
  EXPECT_EQ(stopped.status, 143) << stopped.errors;
  EXPECT_THAT(stopped.errors, HasSubstr("to go on: "));
}

TEST_F(ProgramResume, AKilledRunGoesOnFromItsLastEpoch) {
  export_images();
  const Outcome killed = start_and("kill -KILL %1; wait %1");
  EXPECT_EQ(killed.status, 137);
  expect_same_as_unbroken(epochs_done() + 2);
}

TEST_F(ProgramResume, AFinishedRunIsLeftAsItIsAndCanBeGivenMoreEpochs) {
  export_images();
  ASSERT_EQ(train("run", 1).status, 0);
  const std::string before = read_file(path("run/model.safetensors"));
  const Outcome nothing = headrace({"train", "--resume", "--out", path("run")});
  EXPECT_EQ(nothing.status, 0);
  EXPECT_THAT(nothing.errors, HasSubstr("--epochs gives it more"));
  EXPECT_EQ(read_file(path("run/model.safetensors")), before);
  const Outcome more = headrace({"train", "--resume", "--epochs", "2", "--out", path("run")});
  EXPECT_EQ(more.status, 0) << more.errors;
  EXPECT_EQ(count_lines(read_file(path("run/history.csv"))), 3u);
}

TEST_F(ProgramResume, WithNothingThereItStartsFromTheBeginning) {
  export_images();
  const Outcome outcome = train("run", 1, {"--resume"});
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.errors, HasSubstr("starting from the beginning"));
}

}  // namespace
}  // namespace headrace::cli
