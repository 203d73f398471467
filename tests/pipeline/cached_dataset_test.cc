#include "headrace/pipeline/cached_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "slow_disk.h"

namespace headrace {
namespace {

using fake::SlowDisk;
using ::testing::HasSubstr;

std::uint64_t stream_fingerprint(std::shared_ptr<const Dataset> dataset,
                                 std::shared_ptr<const Decoder> decoder, int channels) {
  const auto sequence = std::make_shared<ImageSequence>(
      std::move(dataset), std::move(decoder), std::make_shared<fake::RandomCrop>(channels));
  Fingerprint fingerprint;
  Loader loader(sequence, {.batch_size = 16, .threads = 3, .epochs = 3});
  for (int epoch = 0; epoch < 3; ++epoch) {
    while (const auto batch = loader.next()) fingerprint.add(*batch);
  }
  return fingerprint.value();
}

TEST(CachedDataset, ReadsEachRecordOnceAndGivesTheSameBatches) {
  const auto disk = std::make_shared<SlowDisk>(200);
  const auto codec = std::make_shared<fake::Codec>();
  const std::uint64_t expected = stream_fingerprint(disk, codec, 3);
  const std::int64_t reads = disk->reads();
  MemoryBudget budget(10'000'000);
  const auto cache = std::make_shared<CachedDataset>(disk, budget);
  EXPECT_EQ(cache->fingerprint(), disk->fingerprint());
  EXPECT_EQ(stream_fingerprint(cache, codec, 3), expected);
  // Where epochs meet, both may ask for a record at the same time, and both read it.
  EXPECT_LE(disk->reads() - reads, 200 + 16);
  const std::int64_t once = disk->reads();
  EXPECT_EQ(stream_fingerprint(cache, codec, 3), expected);
  EXPECT_EQ(disk->reads(), once);
  EXPECT_EQ(cache->kept(), 200);
  EXPECT_FALSE(cache->is_full());
  EXPECT_EQ(budget.left(), budget.total() - cache->bytes());
  EXPECT_THAT(budget.report(), HasSubstr("cache of memory"));
}

TEST(CachedDataset, KeepsPixels) {
  const auto pixels = std::make_shared<fake::PixelDataset>(50);
  MemoryBudget budget(1'000'000);
  const auto cache = std::make_shared<CachedDataset>(pixels, budget);
  EXPECT_EQ(stream_fingerprint(cache, nullptr, 1), stream_fingerprint(pixels, nullptr, 1));
  EXPECT_EQ(cache->kept(), 50);
}

TEST(CachedDataset, KeepsWhatCameFirstWhenTheBudgetIsUsedUp) {
  const auto disk = std::make_shared<SlowDisk>(100);
  MemoryBudget budget(20'000);
  const CachedDataset cache(disk, budget);
  Record record;
  record.values.resize(3);
  for (int epoch = 0; epoch < 3; ++epoch) {
    for (std::int64_t i = 0; i < 100; ++i) {
      record.values.clear();
      record.values.resize(3);
      cache.read(i, record);
      EXPECT_EQ(record.values[0].bytes.size(), sizeof(fake::Header));
    }
  }
  EXPECT_TRUE(cache.is_full());
  EXPECT_GT(cache.kept(), 10);
  EXPECT_LT(cache.kept(), 100);
  EXPECT_EQ(disk->reads(), 100 + 2 * (100 - cache.kept()));
  EXPECT_LE(cache.bytes(), 20'000u);
  EXPECT_EQ(cache.will_need(0), 0u);
  EXPECT_EQ(cache.will_need(99), SlowDisk::record_bytes);
  EXPECT_TRUE(cache.try_read(0, record));
  EXPECT_FALSE(cache.try_read(99, record));
}

TEST(CachedDataset, AFailureIsNotKept) {
  const auto disk = std::make_shared<SlowDisk>(10);
  bool fails = true;
  disk->before_read = [&](std::int64_t) {
    if (fails) throw Error(ErrorCode::io, "gone");
  };
  MemoryBudget budget(1'000'000);
  const CachedDataset cache(disk, budget);
  Record record;
  record.values.resize(3);
  EXPECT_THROW(cache.read(3, record), Error);
  fails = false;
  cache.read(3, record);
  EXPECT_EQ(cache.kept(), 1);
}

TEST(CachedDataset, CountsRecordsThatManyThreadsReadAtOnceOnce) {
  const auto disk = std::make_shared<SlowDisk>(50);
  MemoryBudget budget(1'000'000);
  const CachedDataset cache(disk, budget);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::int64_t i = 0; i < 50; ++i) {
        Record record;
        record.values.resize(3);
        cache.read(i, record);
        fake::Header header;
        std::memcpy(&header, record.values[0].bytes.data(), sizeof header);
        EXPECT_EQ(header.id, i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cache.kept(), 50);
}

TEST(CachedDataset, RefusesABudgetThatDoesNotHoldItsTable) {
  MemoryBudget budget(799);
  const auto disk = std::make_shared<SlowDisk>(100);
  try {
    const CachedDataset cache(disk, budget);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("800 would do"));
  }
  EXPECT_THROW(CachedDataset(nullptr, budget), Error);
}

}  // namespace
}  // namespace headrace
