#include "headrace/pipeline/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../support/temp_folder.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "slow_disk.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

TEST(Trace, IsWrittenWhenItEnds) {
  const TempFolder folder;
  const auto path = folder / "trace.json";
  {
    Trace trace(path);
    const auto now = Trace::Clock::now();
    trace.add("decode", now, now + std::chrono::microseconds(5), {.epoch = 2, .first = 7});
    trace.count("ready batches", 3);
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_THAT(
      bytes_of(path),
      MatchesRegex("\\{\"displayTimeUnit\":\"ms\",\"traceEvents\":\\[\n"
                   "\\{\"name\":\"decode\",\"ph\":\"X\",\"pid\":[0-9]+,\"tid\":[0-9]+,"
                   "\"ts\":[0-9.]+,\"dur\":5.000,\"args\":\\{\"epoch\":2,\"first\":7\\}\\},\n"
                   "\\{\"name\":\"ready batches\",\"ph\":\"C\",\"pid\":[0-9]+,"
                   "\"tid\":[0-9]+,\"ts\":[0-9.]+,\"args\":\\{\"value\":3\\}\\}\n"
                   "\\],\"otherData\":\\{\"lost_events\":\"0\"\\}\\}\n"));
}

TEST(Trace, CountsWhatFindsNoRoom) {
  const TempFolder folder;
  Trace trace(folder / "trace.json", 100);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) const Trace::Span span(&trace, "work");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(trace.events(), 100u);
  EXPECT_EQ(trace.lost(), 50u);
  trace.write();
  EXPECT_THAT(bytes_of(folder / "trace.json"), HasSubstr("\"lost_events\":\"50\""));
}

TEST(Trace, RefusesAPlaceThatCannotBeWrittenAtOnce) {
  const TempFolder folder;
  EXPECT_THROW(Trace(folder / "none" / "trace.json"), Error);
}

TEST(Trace, ShowsWhatTheThreadsOfALoaderDo) {
  const TempFolder folder;
  const auto path = folder / "trace.json";
  {
    const auto trace = std::make_shared<Trace>(path);
    const auto disk = std::make_shared<fake::SlowDisk>(40);
    disk->in_memory = [](std::int64_t index) { return index % 4 != 0; };
    ImageSequenceOptions images;
    images.trace = trace;
    const auto sequence = std::make_shared<ImageSequence>(
        disk, std::make_shared<fake::Codec>(), std::make_shared<fake::RandomCrop>(3), images);
    LoaderOptions options{.batch_size = 10, .threads = 2, .epochs = 1};
    options.trace = trace;
    Loader loader(sequence, options);
    while (loader.next()) {
    }
  }
  const std::string text = bytes_of(path);
  for (const char* name : {"fill", "read", "decode", "render", "read ahead", "wait for batch"}) {
    EXPECT_THAT(text, HasSubstr("\"name\":\"" + std::string(name) + "\",\"ph\":\"X\"")) << name;
  }
  EXPECT_THAT(text, HasSubstr("\"name\":\"ready batches\",\"ph\":\"C\""));
  EXPECT_THAT(text, HasSubstr("\"epoch\":0"));
}

}  // namespace
}  // namespace headrace
