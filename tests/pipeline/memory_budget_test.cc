#include "headrace/pipeline/memory_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "fake_sequence.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "slow_disk.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;

template <class Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "no error";
}

TEST(MemoryBudget, SharesAddUpAndComeBack) {
  MemoryBudget budget(1'000'000);
  {
    MemoryBudget::Share slots = budget.take("slots", 600'000);
    MemoryBudget::Share cache = budget.take("cache", 0);
    EXPECT_TRUE(cache.try_grow(300'000));
    EXPECT_FALSE(cache.try_grow(100'001));
    EXPECT_EQ(budget.left(), 100'000u);
    EXPECT_EQ(budget.report(), "slots 0.6 MB, cache 0.3 MB: 0.9 of 1.0 MB");
    cache.shrink(200'000);
    const MemoryBudget::Share moved = std::move(cache);
    EXPECT_EQ(moved.bytes(), 100'000u);
    EXPECT_EQ(budget.left(), 300'000u);
  }
  EXPECT_EQ(budget.left(), 1'000'000u);
  EXPECT_EQ(budget.report(), "nothing: 0.0 of 1.0 MB");
}

TEST(MemoryBudget, ARefusalNamesTheNumberThatWouldDo) {
  MemoryBudget budget(1000);
  const MemoryBudget::Share first = budget.take("a cache", 400);
  EXPECT_EQ(refusal([&] { budget.take("slots", 500, 101); }),
            "a memory budget of 1000 bytes, of which 400 are in use, is too small for slots: 1001 "
            "would do");
  EXPECT_EQ(budget.left(), 600u);
  EXPECT_EQ(budget.take("slots", 500, 100).bytes(), 500u);
}

TEST(MemoryBudget, HoldsForManyThreadsAtOnce) {
  MemoryBudget budget(10'000);
  std::vector<MemoryBudget::Share> shares;
  for (int i = 0; i < 4; ++i) shares.push_back(budget.take("cache", 0));
  std::vector<std::thread> threads;
  for (MemoryBudget::Share& share : shares) {
    threads.emplace_back([&share] {
      for (int i = 0; i < 5'000; ++i) {
        if (share.try_grow(7) && i % 3 == 0) share.shrink(7);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::size_t sum = 0;
  for (const MemoryBudget::Share& share : shares) sum += share.bytes();
  EXPECT_EQ(budget.left(), 10'000 - sum);
  EXPECT_LT(budget.left(), 7u);
}

TEST(MemoryBudget, BoundsALoaderAndSaysWhatWouldDo) {
  const auto sequence = std::make_shared<fake::CountingSequence>(100);
  LoaderOptions options{.batch_size = 8, .threads = 1};
  const std::size_t slots = Loader(sequence, options).memory_bytes();
  options.memory = std::make_shared<MemoryBudget>(slots - 1);
  EXPECT_THAT(
      refusal([&] { Loader(sequence, options); }),
      HasSubstr("is too small for slots of batches: " + std::to_string(slots) + " would do"));
  options.memory = std::make_shared<MemoryBudget>(slots);
  {
    Loader loader(sequence, options);
    EXPECT_EQ(loader.next()->size(), 8);
    EXPECT_EQ(options.memory->left(), 0u);
  }
  EXPECT_EQ(options.memory->left(), slots);
}

TEST(MemoryBudget, ReadingAheadTakesAQuarterOfWhatSlotsLeaveAtMost) {
  const auto sequence = std::make_shared<ImageSequence>(std::make_shared<fake::SlowDisk>(100),
                                                        std::make_shared<fake::Codec>(),
                                                        std::make_shared<fake::RandomCrop>(3));
  LoaderOptions options{.batch_size = 8, .threads = 1};
  const std::size_t slots = Loader(sequence, options).memory_bytes();
  const std::size_t least = std::size_t{1} << 20;
  options.memory = std::make_shared<MemoryBudget>(slots + least - 1);
  EXPECT_THAT(refusal([&] { Loader(sequence, options); }),
              HasSubstr(std::to_string(slots + least) + " would do"));
  options.memory = std::make_shared<MemoryBudget>(slots + 40 * least);
  const Loader loader(sequence, options);
  EXPECT_EQ(options.memory->left(), 30 * least);
  EXPECT_EQ(loader.options().read_ahead_bytes, 10 * least);
  EXPECT_THAT(options.memory->report(), HasSubstr("reading ahead 10.5 MB"));
  const std::string report = loader.memory_report();
  EXPECT_THAT(report, HasSubstr("6 batches of 8 samples need " + to_megabytes(slots)));
  EXPECT_THAT(report, HasSubstr("reading ahead may take 10.5 MB"));
  EXPECT_THAT(report, HasSubstr("budget: " + options.memory->report()));
}

}  // namespace
}  // namespace headrace
