#include "headrace/cli/loader_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

using testing::HasSubstr;

// After so many seconds of which the consumer waited a share, with threads busy for another.
LoaderStats after(double seconds, double waited, double busy) {
  LoaderStats stats;
  stats.batches = static_cast<std::int64_t>(100 * seconds);
  stats.samples = 64 * stats.batches;
  stats.seconds = seconds;
  stats.wait_seconds = seconds * waited;
  stats.threads = 2;
  stats.thread_seconds = 2 * seconds;
  stats.fill_seconds = 2 * seconds * busy;
  stats.stages.decode = 0.6 * stats.fill_seconds;
  stats.stages.render = 0.4 * stats.fill_seconds;
  stats.ready_batches = 3;
  return stats;
}

TEST(LoaderView, SaysWhoIsSlow) {
  EXPECT_EQ(who_is_slow(after(2, 0.5, 0.95), "trainer"), "decoding slow");
  EXPECT_EQ(who_is_slow(after(2, 0.01, 0.5), "trainer"), "trainer slow");
  EXPECT_EQ(who_is_slow(LoaderStats(), "trainer"), "");
}

TEST(LoaderView, ShowsQueueAndWait) {
  LoaderView view("trainer");
  view.look(after(1, 0, 0.9), 6);
  EXPECT_EQ(view.look(after(2, 0.25, 0.95), 6), "queue 3/6  wait 50 %  decoding slow");
}

TEST(LoaderView, LooksAtTheLastSecondsAlone) {
  LoaderView view("trainer");
  LoaderStats stats = after(10, 1, 1);
  view.look(stats, 6);
  // From now on nobody waits.
  for (int i = 0; i < 6; ++i) {
    stats.seconds += 1;
    stats.batches += 100;
    EXPECT_THAT(view.look(stats, 6), HasSubstr("wait 0 %  trainer slow"));
  }
}

TEST(LoaderView, ADifferenceForgetsWhatWasBefore) {
  const LoaderStats d = difference(after(5, 0.5, 0.5), after(3, 0.5, 0.5));
  EXPECT_DOUBLE_EQ(d.seconds, 2);
  EXPECT_DOUBLE_EQ(d.wait_seconds, 1);
  EXPECT_EQ(d.batches, 200);
  EXPECT_EQ(d.ready_batches, 3);
}

TEST(LoaderView, AVerdictNamesTheOptionThatHelps) {
  EXPECT_THAT(training_verdict(after(2, 0.01, 0.5)),
              testing::AllOf(HasSubstr("The trainer is the slow one"), HasSubstr("--threads")));
  EXPECT_THAT(training_verdict(after(2, 0.5, 0.95)),
              testing::AllOf(HasSubstr("waits 50 % of its time"), HasSubstr("2.0 times as fast"),
                             HasSubstr("60 % of it with decoding"), HasSubstr("--loader-threads")));
  LoaderStats disk = after(2, 0.9, 0.2);
  disk.io_threads = 8;
  disk.io_seconds = 15;
  EXPECT_THAT(training_verdict(disk), HasSubstr("--io-threads"));
  EXPECT_THAT(training_verdict(after(2, 0.5, 0.2)), HasSubstr("--prefetch"));
  EXPECT_THAT(training_verdict(LoaderStats()), HasSubstr("Too few"));
}

TEST(LoaderView, TheLimitOfALoaderIsNamed) {
  EXPECT_EQ(
      loader_limit(after(2, 0.9, 0.98)),
      "Decoding is the limit: 2 threads are busy 98 % of the time, 60 % of it with decoding.");
  LoaderStats disk = after(2, 0.9, 0.2);
  disk.io_threads = 8;
  disk.io_seconds = 15;
  EXPECT_THAT(loader_limit(disk), HasSubstr("--io-threads"));
  EXPECT_THAT(loader_limit(after(2, 0, 0.2)), HasSubstr("takes the batches is the limit"));
  EXPECT_THAT(loader_limit(after(2, 0.5, 0.2)), HasSubstr("--prefetch"));
  EXPECT_THAT(loader_limit(LoaderStats()), HasSubstr("Too few batches"));
}

}  // namespace
}  // namespace headrace::cli
