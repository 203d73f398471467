// `headrace train` under mpirun.

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "program_runs.h"

namespace headrace::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

// The numbers of a history, a row an epoch.
std::vector<std::vector<double>> numbers(const std::string& history) {
  std::vector<std::vector<double>> rows;
  std::istringstream lines(history);
  std::string line;
  std::getline(lines, line);  // names
  while (std::getline(lines, line)) {
    rows.emplace_back();
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(std::stod(cell));
  }
  return rows;
}

// Epoch, losses and accuracies are the same up to so much.
void expect_same(const std::string& history, const std::string& expected, double tolerance) {
  const auto rows = numbers(history);
  const auto others = numbers(expected);
  ASSERT_EQ(rows.size(), others.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (std::size_t column = 0; column < 5; ++column) {
      EXPECT_NEAR(rows[row][column], others[row][column], tolerance) << row << " " << column;
    }
  }
}

class ProgramProcesses : public ProgramTest {
 protected:
  // A bash script in which $mpirun N is how N processes are started.
  Outcome script(const std::string& text) {
    return bash("cd '" + folder().string() +
                "'\n"
                "mpirun=mpirun_n; [ \"$(id -u)\" != 0 ] || root=--allow-run-as-root\n"
                "mpirun_n() { n=$1; shift; ASAN_OPTIONS=detect_leaks=0 "
                "TSAN_OPTIONS=$TSAN_OPTIONS:ignore_noninstrumented_modules=1 '" HEADRACE_MPIRUN
                "' -n $n --oversubscribe --bind-to none $root \"$@\"; }\n"
                "options='--data train.csv --val test.csv --batch-size 30 --rescale 0.01 "
                "--mean pixel --width-shift 0.1 --seed 4 --loader-threads 1'\n" +
                text);
  }
};

TEST_F(ProgramProcesses, TwoProcessesTrainAsTwoReplicasDoAndOneOfThemWritesAndPrints) {
  export_images();
  const Outcome threads = script(
      "\"$headrace\" train $options --replicas 2 --threads 2 --epochs 3 --quiet --out threads");
  ASSERT_EQ(threads.status, 0) << threads.errors;
  const Outcome processes =
      script("$mpirun 2 \"$headrace\" train $options --threads 1 --epochs 3 --out processes");
  ASSERT_EQ(processes.status, 0) << processes.errors;
  EXPECT_THAT(processes.errors, HasSubstr("2 processes with 1 replica"));
  EXPECT_EQ(count_lines(processes.output), count_lines(threads.output));
  expect_same(read_file(path("processes/history.csv")), read_file(path("threads/history.csv")), 0);
  EXPECT_EQ(json::parse(read_file(path("processes/run.json")))["outcome"]["status"], "finished");
}

TEST_F(ProgramProcesses, ASignalToOneStopsAllAndAnotherNumberOfThemGoesOn) {
  export_images();
  const Outcome stopped = script(
      "$mpirun 2 bash -c '[ $OMPI_COMM_WORLD_RANK = 0 ] || echo $$ > pid; exec \"$@\"' run "
      "\"$headrace\" train $options --threads 1 --epochs 300 --out run &\n"
      "for ((i = 0; i < 2000; i++)); do [[ ! -s run/history.csv ]] || break; sleep 0.05; done\n"
      "kill -TERM $(cat pid); wait $!");
  EXPECT_NE(stopped.status, 0);
  EXPECT_THAT(stopped.errors, HasSubstr("to go on: headrace train --out run --resume"));
  EXPECT_EQ(json::parse(read_file(path("run/run.json")))["outcome"]["status"], "interrupted");
  const std::size_t done = numbers(read_file(path("run/history.csv"))).size();
  const std::string epochs = " --epochs " + std::to_string(done + 2) + " --quiet --threads 1 ";
  const Outcome others =
      script("cp -r run one && \"$headrace\" train --resume" + epochs +
             "--out one && $mpirun 3 \"$headrace\" train --resume" + epochs +
             "--out run && \"$headrace\" train $options" + epochs + "--out whole");
  ASSERT_EQ(others.status, 0) << others.errors;
  const std::string whole = read_file(path("whole/history.csv"));
  expect_same(read_file(path("one/history.csv")), whole, 2e-3);
  expect_same(read_file(path("run/history.csv")), whole, 2e-3);
}

TEST_F(ProgramProcesses, ARankThatIsStoppedIsNamedWithinTheTimeout) {
  export_images();
  const Outcome ended = script(
      "$mpirun 2 bash -c '[ $OMPI_COMM_WORLD_RANK = 0 ] || echo $$ > pid; exec \"$@\"' run "
      "\"$headrace\" train $options --threads 1 --epochs 3000 --rank-timeout 5 --out run &\n"
      "for ((i = 0; i < 2000; i++)); do [[ ! -s run/history.csv ]] || break; sleep 0.05; done\n"
      "kill -STOP $(cat pid); wait $!");
  EXPECT_NE(ended.status, 0);
  EXPECT_THAT(ended.errors, AllOf(HasSubstr("rank 0: "), HasSubstr("rank 1 is missing")));
  EXPECT_EQ(json::parse(read_file(path("run/run.json")))["outcome"]["status"], "failed");
}

TEST_F(ProgramProcesses, WhatOneProcessAloneCanDoIsRefusedToMore) {
  const Outcome outcome =
      script("$mpirun 2 \"$headrace\" predict --model model.safetensors --data test.csv");
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.errors, HasSubstr("headrace predict is for one process"));
}

TEST_F(ProgramProcesses, AWrongOptionEndsAll) {
  export_images();
  const Outcome outcome =
      script("$mpirun 2 \"$headrace\" train $options --val absent.csv --out run");
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.errors, HasSubstr("absent.csv"));
}

}  // namespace
}  // namespace headrace::cli
