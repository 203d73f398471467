#include "headrace/pipeline/bottleneck.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace {
namespace {

using ::testing::HasSubstr;

// Ten seconds of a loader with two threads, after a first batch that took one more.
LoaderStats ten_seconds() {
  LoaderStats stats;
  stats.batches = 100;
  stats.seconds = 11;
  stats.first_batch_seconds = 1;
  stats.wait_seconds = 1;
  stats.threads = 2;
  stats.thread_seconds = 2 * stats.seconds;
  stats.io_threads = 4;
  stats.stages.samples = 1000;
  return stats;
}

TEST(Bottleneck, IsTheConsumerIfItHardlyWaits) {
  LoaderStats stats = ten_seconds();
  stats.wait_seconds = 1.3;
  stats.fill_seconds = 8.8;
  const Bottleneck found = find_bottleneck(stats);
  EXPECT_EQ(found.who, Bottleneck::Who::consumer);
  EXPECT_NEAR(found.wait_share, 0.03, 1e-9);
  EXPECT_NEAR(found.cores_busy, 0.4, 1e-9);
  EXPECT_EQ(found.text,
            "The consumer is the slow one: it waits 3 % of its time for batches, and the loader's "
            "threads are busy 40 % of theirs: they could make 2.5 times as many. Make the consumer "
            "faster; the loader needs nothing.");
}

TEST(Bottleneck, IsTheCoresIfTheyAreBusyAndNamesTheLongestStage) {
  LoaderStats stats = ten_seconds();
  stats.wait_seconds = 1 + 6;
  stats.fill_seconds = 21;
  stats.stages.read = 1;
  stats.stages.decode = 16;
  stats.stages.render = 3;
  const Bottleneck found = find_bottleneck(stats);
  EXPECT_EQ(found.who, Bottleneck::Who::cores);
  EXPECT_NEAR(found.gain_without_waiting, 2.5, 1e-9);
  EXPECT_THAT(found.text, HasSubstr("waits 60 % of its time and would be 2.5 times as fast"));
  EXPECT_THAT(found.text, HasSubstr("2 threads are busy 95 %"));
  EXPECT_THAT(found.text, HasSubstr("decoding (80 %)"));
  stats.stages = {};
  EXPECT_THAT(find_bottleneck(stats).text, HasSubstr("Give it more threads."));
}

TEST(Bottleneck, IsTheCoresIfOtherLoadersHaveThem) {
  LoaderStats stats = ten_seconds();
  stats.wait_seconds = 1 + 6;
  stats.fill_seconds = 8.8;
  stats.denied_seconds = 11;
  const Bottleneck found = find_bottleneck(stats);
  EXPECT_EQ(found.who, Bottleneck::Who::cores);
  EXPECT_NEAR(found.cores_denied, 0.5, 1e-9);
  EXPECT_THAT(found.text, HasSubstr("For 50 % of it other loaders had threads"));
}

TEST(Bottleneck, IsTheDiskIfItsThreadsAreBusyAndTheCoresAreNot) {
  LoaderStats stats = ten_seconds();
  stats.wait_seconds = 1 + 5;
  stats.fill_seconds = 5;
  stats.io_seconds = 40;
  stats.disk_samples = 700;
  const Bottleneck found = find_bottleneck(stats);
  EXPECT_EQ(found.who, Bottleneck::Who::disk);
  EXPECT_THAT(found.text, HasSubstr("70 % of the samples were not in memory"));
  EXPECT_THAT(found.text, HasSubstr("the 4 threads that read them are busy 91 %"));
}

TEST(Bottleneck, IsNeitherIfAllHadTime) {
  LoaderStats stats = ten_seconds();
  stats.wait_seconds = 1 + 2;
  stats.fill_seconds = 6;
  const Bottleneck found = find_bottleneck(stats);
  EXPECT_EQ(found.who, Bottleneck::Who::neither);
  EXPECT_THAT(found.text, HasSubstr("prefetch"));
}

TEST(Bottleneck, IsUnknownAtTheStartAndSurvivesOddNumbers) {
  EXPECT_EQ(find_bottleneck({}).who, Bottleneck::Who::unknown);
  LoaderStats stats = ten_seconds();
  stats.wait_seconds = 1e9;
  stats.threads = 0;
  stats.io_threads = 0;
  const Bottleneck found = find_bottleneck(stats);
  EXPECT_EQ(found.who, Bottleneck::Who::neither);
  EXPECT_EQ(found.wait_share, 1);
  EXPECT_LE(found.gain_without_waiting, 1001);
}

}  // namespace
}  // namespace headrace
