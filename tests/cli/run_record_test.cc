#include "headrace/cli/run_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "headrace/cli/config_file.h"

namespace headrace::cli {
namespace {

class RunRecordTest : public testing::Test {
 protected:
  RunRecordTest() {
    app_.add_option("--epochs", epochs_)->capture_default_str();
    app_.add_option("--learning-rate", rate_);
    app_.add_option("--data", data_);
    app_.add_flag("--flip", flip_);
    app_.add_flag("--resume", resume_)->configurable(false);
  }
  void parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());
    app_.parse(arguments);
  }

  CLI::App app_;
  int epochs_ = 10;
  double rate_ = 0;
  std::string data_;
  bool flip_ = false;
  bool resume_ = false;
};

TEST_F(RunRecordTest, HoldsWhatWasGivenAndDefaults) {
  parse({"--data", "007", "--flip", "--resume"});
  const Json options = effective_options(app_);
  EXPECT_EQ(options["epochs"], 10);
  EXPECT_EQ(options["data"], "007");  // not the number 7
  EXPECT_EQ(options["flip"], true);
  EXPECT_FALSE(options.contains("learning-rate"));
  EXPECT_FALSE(options.contains("resume"));
  EXPECT_FALSE(options.contains("help"));
}

TEST_F(RunRecordTest, RepeatsTheRun) {
  parse({"--data", "a b.csv", "--learning-rate", "0.05", "--flip"});
  const std::string path = testing::TempDir() + "headrace_run.json";
  RunRecord(app_, "train").write(path);
  flip_ = false;
  parse(with_options(app_, read_config(path, "train"), path, {"--epochs", "3"}));
  EXPECT_EQ(data_, "a b.csv");
  EXPECT_EQ(rate_, 0.05);
  EXPECT_TRUE(flip_);
  EXPECT_EQ(epochs_, 3);
}

TEST_F(RunRecordTest, TellsVersionsMachineAndOutcome) {
  parse({});
  RunRecord record(app_, "train");
  EXPECT_EQ(record.json()["outcome"]["status"], "running");
  record.set_outcome("finished", {{"loss", 0.5}});
  EXPECT_EQ(record.json()["outcome"]["status"], "finished");
  EXPECT_EQ(record.json()["outcome"]["loss"], 0.5);
  EXPECT_TRUE(record.json()["outcome"].contains("ended"));
  EXPECT_TRUE(record.json()["versions"].contains("oneDNN"));
  EXPECT_GE(record.json()["machine"]["cores"], 1);
}

}  // namespace
}  // namespace headrace::cli
