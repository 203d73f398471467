// `headrace train --ranks`, which starts processes, and those that others start by the environment.

#include <gmock/gmock.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "program_runs.h"

namespace headrace::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ProgramRanks : public ProgramTest {
 protected:
  void SetUp() override {
    if (!HEADRACE_HAS_GLOO) GTEST_SKIP() << "built without gloo (install libgloo-dev)";
    export_images();
  }
  // A bash script in the folder, with options that all runs have.
  Outcome script(const std::string& text) {
    return bash("cd '" + folder().string() +
                "'\n"
                "export TSAN_OPTIONS=$TSAN_OPTIONS:ignore_noninstrumented_modules=1\n"
                "options='--data train.csv --val test.csv --batch-size 30 --rescale 0.01 --mean "
                "pixel --width-shift 0.1 --seed 4 --threads 1 --loader-threads 1 --out run'\n"
                // Waits until rank $1 of the run runs and an epoch is saved; prints its number.
                "rank() { local i p\n"
                "  for ((i = 0; i < 1200; i++)); do\n"
                "    [[ ! -s run/history.csv ]] || for p in /proc/[0-9]*; do\n"
                "      [[ $(readlink $p/cwd) == \"$PWD\" ]] || continue\n"
                "      tr '\\0' '\\n' < $p/environ | grep -qx \"RANK=$1\" || continue\n"
                "      echo ${p#/proc/}; return\n"
                "    done 2> /dev/null\n"
                "    sleep 0.05\n"
                "  done; }\n" +
                text);
  }
  // The tensors of a run's checkpoint, behind the header, which tells times.
  std::string weights(const std::string& run) {
    const std::string file = read_file(path(run + "/model.safetensors"));
    std::uint64_t header = 0;
    std::memcpy(&header, file.data(), sizeof header);
    return file.substr(sizeof header + header);
  }
  json record() { return json::parse(read_file(path("run/run.json"))); }
};

TEST_F(ProgramRanks, TrainAsReplicasDoAndTheFirstOneSpeaks) {
  const Outcome threads = script(
      "\"$headrace\" train $options --replicas 2 --threads 2 --epochs 2 --quiet && cp -r run one");
  ASSERT_EQ(threads.status, 0) << threads.errors;
  const Outcome ranks = script("\"$headrace\" train $options --overwrite --ranks 2 --epochs 2");
  ASSERT_EQ(ranks.status, 0) << ranks.errors;
  EXPECT_THAT(ranks.errors, HasSubstr("2 processes with 1 replica"));
  EXPECT_EQ(count_lines(ranks.output), count_lines(threads.output));
  EXPECT_TRUE(weights("run") == weights("one"));
  EXPECT_TRUE(std::filesystem::exists(path("run/ranks/rank1.log")));
  EXPECT_EQ(record()["outcome"]["status"], "finished");
}

TEST_F(ProgramRanks, AreMeasuredTogether) {
  const Outcome outcome = script(
      "\"$headrace\" bench train --ranks 2 --threads 1 --steps 3 --warm-up 1 --batch-size 8 "
      "--json");
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  const json result = json::parse(outcome.output);
  EXPECT_EQ(result["processes"], 2);
  EXPECT_GT(result["exchange_seconds"], 0);
}

TEST_F(ProgramRanks, ThoseThatAScriptStartsFindEachOtherByTheEnvironment) {
  const Outcome outcome = script(
      "export WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$((20000 + $$ % 20000))\n"
      "RANK=1 \"$headrace\" train $options --epochs 2 & RANK=0 \"$headrace\" train $options "
      "--epochs 2 && wait $!");
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.errors, HasSubstr("2 processes with 1 replica"));
  EXPECT_EQ(record()["outcome"]["status"], "finished");
}

TEST_F(ProgramRanks, OneThatIsKilledIsNamedAndTheJobFails) {
  const Outcome outcome = script(
      "\"$headrace\" train $options --ranks 3 --epochs 3000 --rank-timeout 5 & kill -KILL $(rank "
      "2); wait $!");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors,
              AllOf(HasSubstr("rank 2 was ended by signal 9"), HasSubstr("run/ranks/rank2.log")));
}

TEST_F(ProgramRanks, WithRestartsThoseThatAreLeftGoOnFromTheLastCheckpoint) {
  const Outcome outcome = script(
      "\"$headrace\" train $options --ranks 3 --restarts 1 --epochs 60 --save-every 1 "
      "--rank-timeout 5 & kill -KILL $(rank 1); wait $!");
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.errors,
              AllOf(HasSubstr("rank 1 was ended by signal 9"), HasSubstr("with 2 of 3 ranks")));
  EXPECT_EQ(record()["outcome"]["status"], "finished");
  // Each epoch once, none twice.
  EXPECT_EQ(count_lines(read_file(path("run/history.csv"))), 61U);
}

TEST_F(ProgramRanks, OneThatIsStoppedIsEndedAndTheOthersNameIt) {
  const Outcome outcome = script(
      "\"$headrace\" train $options --ranks 2 --epochs 3000 --rank-timeout 2 & kill -STOP $(rank "
      "1); wait $!");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors,
              AllOf(HasSubstr("rank 1 is missing"), HasSubstr("rank 1 stalled, and was ended")));
}

TEST_F(ProgramRanks, WaitingForOthersCanBeInterrupted) {
  const Outcome outcome = script(
      "export WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$((20000 + $$ % 20000))\n"
      "RANK=0 \"$headrace\" train $options --epochs 2 & sleep 1; kill -TERM $!; wait $!");
  EXPECT_EQ(outcome.status, 143);
  EXPECT_THAT(outcome.errors, HasSubstr("stopped before all processes had come"));
}

TEST_F(ProgramRanks, ASignalToTheLauncherStopsAllWithACheckpoint) {
  const Outcome outcome = script(
      "\"$headrace\" train $options --ranks 2 --epochs 3000 & rank 0 > pid; kill -TERM $!; wait "
      "$!");
  EXPECT_EQ(outcome.status, 143);
  EXPECT_THAT(outcome.errors, HasSubstr("to go on: headrace train --out run --resume"));
  EXPECT_EQ(record()["outcome"]["status"], "interrupted");
}

TEST_F(ProgramRanks, OnesWhoseLauncherIsKilledStopToo) {
  const Outcome outcome = script(
      "\"$headrace\" train $options --ranks 2 --epochs 3000 & first=$(rank 0); kill -KILL $!; "
      "for ((i = 0; i < 1200; i++)); do [[ -e /proc/$first ]] || exit 7; sleep 0.05; done");
  EXPECT_EQ(outcome.status, 7);
}

TEST_F(ProgramRanks, AWrongOptionOfAllIsSaidByTheFirst) {
  const Outcome outcome = script("\"$headrace\" train $options --val absent.csv --ranks 2");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors, AllOf(HasSubstr("absent.csv"), Not(HasSubstr("signal"))));
}

TEST_F(ProgramRanks, BenchmarksStartThemTooAndTheFirstOneSpeaks) {
  const Outcome trains = script(
      "\"$headrace\" bench train --ranks 2 --steps 2 --warm-up 0 --threads 1 --accumulate 2 "
      "--batch-size 16 --json");
  ASSERT_EQ(trains.status, 0) << trains.errors;
  EXPECT_EQ(json::parse(trains.output)["processes"], 2);
  const Outcome exchanges =
      script("\"$headrace\" bench exchange --ranks 3 --largest 1 --seconds 0.01 --json");
  ASSERT_EQ(exchanges.status, 0) << exchanges.errors;
  const json measured = json::parse(exchanges.output);
  EXPECT_EQ(measured["processes"], 3);
  EXPECT_EQ(measured["sizes"].size(), 6U);
  EXPECT_GT(measured["bytes_per_second"], 0);
  const Outcome alone = script("\"$headrace\" bench exchange");
  EXPECT_EQ(alone.status, 1);
  EXPECT_THAT(alone.errors, HasSubstr("give --ranks"));
}

// The commands of docs/cluster.md, on fewer and smaller images.
TEST_F(ProgramRanks, TheTutorialsTrainOnReplicasAndRanks) {
  const std::string data = "--data train.csv --val test.csv --seed 4 --loader-threads 1 --quiet ";
  for (const std::string& options :
       {std::string("--model mnist_cnn --batch-size 128 --replicas 3 --epochs 1 --out replicas"),
        std::string("--model mnist_cnn --batch-size 64 --ranks 2 --epochs 2 --save-best "
                    "--monitor val_accuracy --early-stopping 2 --schedule exponential:rate=0.9 "
                    "--tensorboard logs --out mirrored"),
        std::string("--model mnist_cnn --batch-size 256 --replicas 8 --optimizer rmsprop "
                    "--epochs 1 --out eight"),
        std::string("--model mini_googlenet --image-size 32x32x3 --batch-size 64 --ranks 2 "
                    "--optimizer sgd --learning-rate 5e-3 --momentum 0.9 "
                    "--schedule polynomial:power=1 --epochs 1 --out googlenet")}) {
    const Outcome outcome = script("\"$headrace\" train " + data + options);
    EXPECT_EQ(outcome.status, 0) << options << ": " << outcome.errors;
  }
  EXPECT_TRUE(std::filesystem::exists(path("mirrored/best.safetensors")));
  const Outcome placed = script(
      "\"$headrace\" bench train --model shared_lstm --batch-size 8 --steps 1 --warm-up 0 --place "
      "'lstm[0]=cpu:0,lstm[1]=cpu:1,concatenate=cpu:2' --json");
  ASSERT_EQ(placed.status, 0) << placed.errors;
  EXPECT_EQ(json::parse(placed.output)["devices"], 3);
}

TEST_F(ProgramRanks, RatesAndMicroBatchesAreSaidAndRefusedWhereTheyMakeNoSense) {
  const Outcome outcome = script(
      "\"$headrace\" train $options --epochs 1 --optimizer sgd --learning-rate 0.01 "
      "--scale-learning-rate 10 --warm-up-epochs 1 --accumulate 4 --place dense=cpu:1 "
      "--micro-batches 2");
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.errors, HasSubstr("learning rate 0.03: 0.01 for batches of 10, times 3 for "
                                        "30; the first 7 steps lead to it from 0.01"));
  const Outcome again = script("\"$headrace\" train $options --overwrite --micro-batches 2");
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.errors, HasSubstr("put it there by --place"));
  const Outcome wire = script("\"$headrace\" train $options --overwrite --wire bf16");
  EXPECT_EQ(wire.status, 1);
  EXPECT_THAT(wire.errors, HasSubstr("between several GPUs"));
}

TEST_F(ProgramRanks, WhatHasBeenLaunchedLaunchesNoMore) {
  const Outcome outcome =
      script("RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 \"$headrace\" train $options --ranks 2");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("--ranks starts processes"));
}

}  // namespace
}  // namespace headrace::cli
