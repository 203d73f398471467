#include "headrace/cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TrainingProgress half_way() {
  TrainingProgress progress;
  progress.epoch = 1;
  progress.epochs = 5;
  progress.step = 210;
  progress.steps = 420;
  progress.images_per_second = 24310;
  progress.seconds_left = 62;
  progress.loss = 0.421;
  progress.accuracy = 0.851;
  return progress;
}

TEST(Progress, NumbersHaveCommas) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(60000), "60,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(with_commas(-1234), "-1,234");
}

TEST(Progress, DurationsAreWrittenAsPeopleSayThem) {
  EXPECT_EQ(duration(0.84), "0.8 s");
  EXPECT_EQ(duration(9.96), "10 s");
  EXPECT_EQ(duration(59.6), "1:00");
  EXPECT_EQ(duration(187), "3:07");
  EXPECT_EQ(duration(3727), "1:02:07");
  EXPECT_EQ(duration(-1), "?");
}

TEST(Progress, BarTellsAllWhereThereIsRoom) {
  const std::string bar = progress_bar(half_way(), 120);
  EXPECT_THAT(bar, StartsWith("epoch 2/5 [=="));
  EXPECT_THAT(bar, HasSubstr("210/420"));
  EXPECT_THAT(bar, HasSubstr("24,310 images/s"));
  EXPECT_THAT(bar, HasSubstr("1:02 left"));
  EXPECT_THAT(bar, HasSubstr("loss 0.4210"));
  EXPECT_THAT(bar, HasSubstr("accuracy 0.851"));
}

TEST(Progress, BarNeverIsWiderThanTheTerminal) {
  for (int width = 24; width < 200; ++width)
    EXPECT_LE(progress_bar(half_way(), width).size(), static_cast<std::size_t>(width));
}

TEST(Progress, NarrowBarLeavesOutWhatMattersLeast) {
  const std::string bar = progress_bar(half_way(), 40);
  EXPECT_THAT(bar, HasSubstr("210/420"));
  EXPECT_THAT(bar, Not(HasSubstr("accuracy")));
}

TEST(Progress, BarFillsWithTheSteps) {
  TrainingProgress progress = half_way();
  progress.step = 420;
  EXPECT_THAT(progress_bar(progress, 120), HasSubstr("==]"));
  progress.step = 0;
  EXPECT_THAT(progress_bar(progress, 120), HasSubstr("[> "));
}

TEST(Progress, EpochLineShowsValidationOnlyIfThereIsAny) {
  EpochRecord record;
  record.epoch = 4;
  record.loss = 0.31;
  record.accuracy = 0.88;
  record.seconds = 2.41;
  record.images_per_second = 24896;
  EXPECT_EQ(epoch_line(record, 5),
            "epoch 5/5  loss 0.3100  accuracy 0.8800  2.4 s  24,896 images/s");
  record.val_loss = 0.33;
  record.val_accuracy = 0.879;
  EXPECT_THAT(epoch_line(record, 5), HasSubstr("  val_loss 0.3300  val_accuracy 0.8790  "));
}

}  // namespace
}  // namespace headrace::cli
