#include <gmock/gmock.h>
#include <unistd.h>

#include "headrace/train/gpu_devices.h"
#include "program_runs.h"

namespace headrace::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// One line that begins as all messages do and says what it should; nothing on standard output.
void expect_one_line(const Outcome& outcome, int status, const std::vector<std::string>& parts) {
  EXPECT_EQ(outcome.status, status) << outcome.errors;
  EXPECT_THAT(outcome.errors, StartsWith("headrace: "));
  EXPECT_EQ(count_lines(outcome.errors), 1u) << outcome.errors;
  EXPECT_THAT(outcome.output, IsEmpty());
  for (const std::string& part : parts) EXPECT_THAT(outcome.errors, HasSubstr(part));
}

class ProgramErrors : public ProgramTest {
 protected:
  // A list of the exported images with one row put in as line 3.
  void train_with_row(const std::string& row, const std::vector<std::string>& parts) {
    std::string list = read_file(folder() / "train.csv");
    const auto second_row = list.find('\n', list.find('\n') + 1) + 1;
    list.insert(second_row, row + "\n");
    write_text(folder() / "broken.csv", list);
    const Outcome outcome = headrace(
        {"train", "--data", path("broken.csv"), "--epochs", "1", "--out", path("run"), "--quiet"});
    expect_one_line(outcome, 1, parts);
    EXPECT_FALSE(std::filesystem::exists(folder() / "run/model.safetensors"));
  }
};

TEST_F(ProgramErrors, MissingData) {
  expect_one_line(headrace({"train", "--data", path("none.csv"), "--out", path("run")}), 1,
                  {"none.csv"});
  EXPECT_FALSE(std::filesystem::exists(folder() / "run"));
}

TEST_F(ProgramErrors, NoGpuToTrainOn) {
  if (!gpu_devices().devices.empty()) GTEST_SKIP() << "there is a GPU";
  expect_one_line(headrace({"bench", "train", "--gpus", "1", "--steps", "1"}), 1, {"the CPU"});
  expect_one_line(headrace({"bench", "train", "--gpus", "2", "--steps", "1"}), 1, {"the CPU"});
  expect_one_line(headrace({"bench", "train", "--gpus", "gpu:1", "--steps", "1"}), 1, {"the CPU"});
}

TEST_F(ProgramErrors, GpusThatAreNone) {
  for (const char* gpus : {"0,", "two", "1,gpu:1"}) {
    const Outcome outcome = headrace({"bench", "train", "--gpus", gpus});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.errors, HasSubstr(std::string("--gpus ") + gpus + ":"));
  }
  const Outcome many =
      headrace({"evaluate", "--model", "a.safetensors", "--data", "b", "--gpus", "0,1"});
  EXPECT_EQ(many.status, 2);
  EXPECT_THAT(many.errors, HasSubstr("computes on one GPU"));
}

TEST_F(ProgramErrors, ListWithoutRows) {
  write_text(folder() / "empty.csv", "path,label\n");
  expect_one_line(headrace({"train", "--data", path("empty.csv"), "--out", path("run")}), 1,
                  {"empty.csv"});
}

TEST_F(ProgramErrors, ExportLeavesOutWhatItIsToldTo) {
  export_images();
  write_text(folder() / "broken.csv", read_file(folder() / "train.csv") + "images/none.jpg,0\n");
  std::vector<std::string> arguments{"export", "--data", path("broken.csv"), "--out", path("out")};
  expect_one_line(headrace(arguments), 1, {"images/none.jpg: ", "No such file"});
  arguments.insert(arguments.end(),
                   {"--on-error", "skip", "--error-report", path("bad.csv"), "--json"});
  const Outcome outcome = headrace(arguments);
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr(R"("errors":1)"));
  EXPECT_THAT(outcome.errors, HasSubstr("1 of 201 images cannot be used"));
  EXPECT_THAT(read_file(folder() / "bad.csv"), HasSubstr("images/none.jpg"));
  EXPECT_EQ(count_lines(read_file(folder() / "out/images.csv")), 201u);
}

TEST_F(ProgramErrors, MissingImage) {
  export_images();
  train_with_row("images/none.jpg,0", {"broken.csv:3: images/none.jpg: ", "No such file"});
}

TEST_F(ProgramErrors, EmptyImage) {
  export_images();
  write_text(folder() / "empty.jpg", "");
  train_with_row("empty.jpg,0", {"broken.csv:3: empty.jpg: "});
}

TEST_F(ProgramErrors, TruncatedImage) {
  export_images();
  std::string bytes = read_file(folder() / "images/train/0/000000.jpg");
  write_text(folder() / "half.jpg", bytes.substr(0, bytes.size() * 3 / 4));
  train_with_row("half.jpg,0", {"broken.csv:3: half.jpg: "});
}

TEST_F(ProgramErrors, NoImage) {
  export_images();
  write_text(folder() / "text.jpg", "this is text and no picture at all\n");
  train_with_row("text.jpg,0", {"broken.csv:3: text.jpg: "});
}

TEST_F(ProgramErrors, LabelOutOfRange) {
  export_images();
  write_text(folder() / "labels.csv", "path,label\nimages/test/0/000000.jpg,7\n");
  expect_one_line(headrace({"train", "--data", path("train.csv"), "--val", path("labels.csv"),
                            "--out", path("run")}),
                  1, {"labels.csv:2: ", "7"});
}

TEST_F(ProgramErrors, DataWithoutLabels) {
  export_images();
  write_text(folder() / "paths.csv", "path\nimages/test/0/000000.jpg\n");
  expect_one_line(headrace({"train", "--data", path("paths.csv"), "--out", path("run")}), 1,
                  {"paths.csv: has no labels"});
}

TEST_F(ProgramErrors, PixelsWithOtherChannelsThanTheModel) {
  const auto data = write_idx(folder(), "train", 20);
  expect_one_line(headrace({"train", "--data", data.string(), "--image-size", "8x8x3", "--out",
                            path("run"), "--quiet"}),
                  1, {"channel"});
}

TEST_F(ProgramErrors, CheckpointOfAnotherModel) {
  export_images();
  ASSERT_EQ(train("run", 1).status, 0);
  expect_one_line(train("run", 2, {"--resume", "--image-size", "16", "--quiet"}), 1,
                  {"model.safetensors: cannot go on with this run: ", "mnist_cnn"});
  expect_one_line(train("run", 2, {"--resume", "--width-shift", "0.3", "--quiet"}), 1,
                  {"other augmentation options"});
  expect_one_line(train("run", 2, {"--resume", "--seed", "5", "--quiet"}), 1, {});
}

TEST_F(ProgramErrors, WhatIsNoCheckpoint) {
  export_images();
  write_text(folder() / "model.safetensors", "not a checkpoint");
  expect_one_line(
      headrace({"evaluate", "--model", path("model.safetensors"), "--data", path("test.csv")}), 1,
      {"model.safetensors"});
}

TEST_F(ProgramErrors, FullDiskLeavesTheCheckpointThatWasThere) {
  export_images();
  ASSERT_EQ(train("run", 1).status, 0);
  const std::string before = read_file(path("run/model.safetensors"));
  // A limit on the size of files fails writes as a full disk does.
  const Outcome outcome = bash(
      "ulimit -f 8; exec \"$headrace\" train --quiet --resume --epochs 2 "
      "--out " +
      path("run"));
  expect_one_line(outcome, 1, {"model.safetensors", "File too large"});
  EXPECT_EQ(read_file(path("run/model.safetensors")), before);
}

TEST_F(ProgramErrors, UnwritableOut) {
  export_images();
  write_text(folder() / "file", "");
  expect_one_line(train("file/run", 1, {"--quiet"}), 1, {"file/run"});
}

TEST_F(ProgramErrors, UnwritableStandardOutput) {
  const Outcome outcome = bash("exec \"$headrace\" info > /dev/full");
  expect_one_line(outcome, 1, {"standard output"});
}

TEST_F(ProgramErrors, WrongUsageHasAHintAndStatusTwo) {
  const auto usage = [](std::vector<std::string> arguments) {
    const Outcome outcome = headrace(std::move(arguments));
    EXPECT_EQ(outcome.status, 2) << outcome.errors;
    EXPECT_EQ(count_lines(outcome.errors), 2u) << outcome.errors;
    EXPECT_THAT(outcome.output, IsEmpty());
    return outcome.errors;
  };
  EXPECT_THAT(usage({"train", "--data", "x", "--out", "y", "--epoch", "3"}),
              AllOf(HasSubstr("there is no option --epoch; did you mean --epochs?"),
                    HasSubstr("headrace train --help")));
  EXPECT_THAT(usage({"train", "--dta", "x"}), HasSubstr("did you mean --data?"));
  EXPECT_THAT(usage({"trian"}), HasSubstr("did you mean train?"));
  EXPECT_THAT(usage({"bench", "lodaer"}), HasSubstr("did you mean loader?"));
  EXPECT_THAT(usage({"bench"}), HasSubstr("loader, train"));
  EXPECT_THAT(usage({}), HasSubstr("COMMAND"));
  EXPECT_THAT(usage({"train", "--out", "y"}), HasSubstr("--data"));
  EXPECT_THAT(usage({"train", "--data", "x", "--out", "y", "--epochs", "none"}),
              HasSubstr("--epochs"));
  EXPECT_THAT(usage({"train", "--data", "x", "--out", "y", "--mean", "median"}),
              HasSubstr("--mean"));
  EXPECT_THAT(usage({"train", "--data", "x", "--out", "y", "--model", "alexnet"}),
              HasSubstr("mnist_cnn"));
}

}  // namespace
}  // namespace headrace::cli
