#include "headrace/cli/feed_figures.h"

#include <gmock/gmock.h>

namespace headrace::cli {
namespace {

using testing::HasSubstr;

// A hundred batches of ten in ten seconds, by two threads, of which each was busy for `fill` / 2.
FeedMeasurement measured(double wait, double fill) {
  FeedMeasurement m;
  m.stats.batches = 100;
  m.stats.samples = 1000;
  m.stats.seconds = 10;
  m.stats.threads = 2;
  m.stats.thread_seconds = 20;
  m.stats.fill_seconds = fill;
  m.stats.wait_seconds = wait;
  m.stats.stages.decode = fill;
  m.images = 1000;
  m.seconds = 10;
  m.trainer_images = 400;
  m.bytes_an_image = 784;
  return m;
}

TEST(FeedFigures, SayWhatTheLoaderWouldNeedToKeepATrainerBusy) {
  const FeedFigures figures = figures_of(measured(7.5, 20));
  EXPECT_DOUBLE_EQ(figures.images_per_second, 100);
  EXPECT_DOUBLE_EQ(figures.wait_share, 0.75);
  EXPECT_DOUBLE_EQ(figures.images_per_core, 50);
  EXPECT_DOUBLE_EQ(figures.loader_images, 100);
  EXPECT_DOUBLE_EQ(figures.cores_needed, 8);
  EXPECT_EQ(figures.slow, "decoding");
  EXPECT_THAT(figures.verdict, HasSubstr("The loader is the slow one"));
  EXPECT_THAT(figures.verdict, HasSubstr("--loader-threads"));
}

TEST(FeedFigures, SayThatTheTrainerIsSlowAndWhatHelpsOnEachDevice) {
  FeedMeasurement slow_trainer = measured(0.1, 2);
  EXPECT_EQ(figures_of(slow_trainer).slow, "trainer");
  EXPECT_THAT(figures_of(slow_trainer).verdict, HasSubstr("more --threads"));
  slow_trainer.on_gpu = true;
  EXPECT_THAT(figures_of(slow_trainer).verdict, HasSubstr("--precision bf16"));
  EXPECT_THAT(to_text(slow_trainer), HasSubstr("to keep this GPU busy the loader needs 0.8 cores"));
}

TEST(FeedFigures, AreZeroWhereNothingWasMeasured) {
  const FeedFigures figures = figures_of({});
  EXPECT_EQ(figures.images_per_second, 0);
  EXPECT_EQ(figures.cores_needed, 0);
  EXPECT_EQ(figures.slow, "");
}

}  // namespace
}  // namespace headrace::cli
