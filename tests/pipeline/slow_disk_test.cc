// A Loader whose files are not in memory.

#include "slow_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "fake_sequence.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/sample_reader.h"

namespace headrace {
namespace {

using fake::eventually;
using fake::Gate;
using fake::SlowDisk;
using ::testing::HasSubstr;

std::shared_ptr<ImageSequence> images_of(std::shared_ptr<const Dataset> dataset,
                                         Shuffle shuffle = Shuffle::full) {
  return std::make_shared<ImageSequence>(std::move(dataset), std::make_shared<fake::Codec>(),
                                         std::make_shared<fake::RandomCrop>(3),
                                         ImageSequenceOptions{.seed = 3, .shuffle = shuffle});
}

std::uint64_t stream_fingerprint(std::shared_ptr<const Sequence> sequence, LoaderOptions options) {
  Fingerprint fingerprint;
  Loader loader(std::move(sequence), options);
  while (loader.state().position.epoch < *options.epochs) {
    if (const auto batch = loader.next()) fingerprint.add(*batch);
  }
  return fingerprint.value();
}

bool even(std::int64_t index) { return index % 2 == 0; }

TEST(SlowDisk, ReadsThatHangHoldNoComputeThread) {
  const auto disk = std::make_shared<SlowDisk>(64);
  Gate gate;
  disk->in_memory = [](std::int64_t index) { return index != 0; };
  disk->before_read = [&](std::int64_t) { gate.pass(); };
  const auto sequence = images_of(disk, Shuffle::none);
  Loader loader(sequence, {.batch_size = 16, .threads = 1, .epochs = 1});
  // Batch 0 hangs in its first sample; the only compute thread makes the other three meanwhile.
  EXPECT_TRUE(eventually([&] { return loader.stats().ready_batches == 3; }));
  EXPECT_TRUE(eventually([&] { return disk->reading() == 1; }));
  gate.open();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(loader.next()->begin(), (Position{0, i * 16}));
  // Samples 1 to 7 share a chunk with the one that was missing.
  EXPECT_EQ(loader.stats().disk_samples, 8);
}

TEST(SlowDisk, AnyDelaysAndThreadsGiveTheSameBatches) {
  const auto disk = std::make_shared<SlowDisk>(203);
  const auto sequence = images_of(disk);
  std::atomic<unsigned> turn{0};
  for (const Shard shard : {Shard{}, Shard{1, 3, ShardMode::pad}, Shard{2, 3}}) {
    LoaderOptions options{.batch_size = 32, .shard = shard, .epochs = 2};
    options.io_threads = 0;
    options.threads = 1;
    disk->before_read = nullptr;
    const std::uint64_t expected = stream_fingerprint(sequence, options);
    for (const int threads : {1, 3}) {
      for (const int io_threads : {1, 4}) {
        disk->in_memory = [&](std::int64_t index) {
          return Rng(turn++, 1).for_sample(static_cast<std::uint64_t>(index)).chance(0.7);
        };
        disk->before_read = [&](std::int64_t index) {
          Rng rng = Rng(turn++, 2).for_sample(static_cast<std::uint64_t>(index));
          if (rng.chance(0.3))
            std::this_thread::sleep_for(std::chrono::microseconds(rng.below(400)));
        };
        options.threads = threads;
        options.io_threads = io_threads;
        EXPECT_EQ(stream_fingerprint(sequence, options), expected)
            << threads << " threads, " << io_threads << " I/O threads, rank " << shard.rank;
      }
    }
  }
}

TEST(SlowDisk, IsReadByAsManyThreadsAsItWasAskedForAndNoMore) {
  for (const int io_threads : {1, 3, 6}) {
    const auto disk = std::make_shared<SlowDisk>(512);
    std::atomic<int> most{0};
    std::atomic<bool> met{false};
    disk->before_read = [&](std::int64_t) {
      int before = most;
      const int now = disk->reading();
      while (now > before && !most.compare_exchange_weak(before, now)) {
      }
      if (now >= io_threads) met = true;
      eventually([&] { return met.load(); });
    };
    LoaderOptions options{.batch_size = 64, .threads = 2, .epochs = 1};
    options.io_threads = io_threads;
    Loader loader(images_of(disk), options);
    while (loader.next()) {
    }
    EXPECT_EQ(most, io_threads);
    EXPECT_EQ(loader.stats().disk_samples, 512);
    EXPECT_EQ(disk->reads(), 512);
  }
}

TEST(SlowDisk, NothingIsReadElsewhereNorAnnouncedWhileAllIsInMemory) {
  const auto disk = std::make_shared<SlowDisk>(100);
  disk->in_memory = [](std::int64_t) { return true; };
  Loader loader(images_of(disk), {.batch_size = 10, .threads = 2, .epochs = 1});
  while (loader.next()) {
  }
  EXPECT_EQ(disk->reads(), 0);
  EXPECT_EQ(loader.stats().disk_samples, 0);
  EXPECT_EQ(loader.stats().io_seconds, 0);
  EXPECT_THAT(disk->announced(), ::testing::IsEmpty());
}

TEST(SlowDisk, WithoutThreadsOfItsOwnIsReadWhereImagesAreDecoded) {
  const auto disk = std::make_shared<SlowDisk>(40);
  LoaderOptions options{.batch_size = 10, .threads = 2, .epochs = 1};
  options.io_threads = 0;
  Loader loader(images_of(disk), options);
  while (loader.next()) {
  }
  EXPECT_EQ(disk->tries(), 0);
  EXPECT_EQ(disk->reads(), 40);
}

// --- Reading ahead ---

TEST(SlowDisk, WhatComesNextIsAnnouncedOnceSomethingWasMissing) {
  const auto disk = std::make_shared<SlowDisk>(10'000);
  LoaderOptions options{.batch_size = 8, .threads = 1, .prefetch = 1, .leases = 1, .epochs = 1};
  options.read_ahead_bytes = 100 * SlowDisk::record_bytes;
  Loader loader(images_of(disk, Shuffle::none), options);
  // The slots hold 16 samples; about 100 more are announced, chunk by chunk, and then no more.
  EXPECT_TRUE(eventually([&] { return disk->announced().size() >= 16 + 100; }));
  EXPECT_TRUE(eventually([&] { return loader.stats().ready_batches == 2; }));
  EXPECT_LE(disk->announced().size(), 16u + 100u + 8u * 8u);
  const std::size_t before = disk->announced().size();
  for (int i = 0; i < 40; ++i) loader.next();
  EXPECT_TRUE(eventually([&] { return disk->announced().size() >= before + 100; }));
}

TEST(SlowDisk, OnlyTheRanksOwnSamplesAreAnnounced) {
  const auto disk = std::make_shared<SlowDisk>(1'000);
  LoaderOptions options{.batch_size = 20, .threads = 1, .shard = {1, 2}, .epochs = 1};
  Loader loader(images_of(disk, Shuffle::none), options);
  while (loader.next()) {
  }
  for (const std::int64_t index : disk->announced()) EXPECT_GE(index % 20, 10);
  EXPECT_GT(disk->announced().size(), 400u);
}

TEST(SlowDisk, BytesReadAheadStayBelowTheirLimit) {
  const auto disk = std::make_shared<SlowDisk>(400);
  Gate gate;
  // The first chunk of each batch hangs, so that what comes later piles up.
  disk->in_memory = [](std::int64_t) { return false; };
  disk->before_read = [&](std::int64_t index) {
    if (index == 0) gate.pass();
  };
  LoaderOptions options{.batch_size = 80, .threads = 1, .prefetch = 4, .leases = 1, .epochs = 1};
  options.io_threads = 2;
  options.read_ahead_bytes = 3 * 8 * SlowDisk::record_bytes;
  Loader loader(images_of(disk, Shuffle::none), options);
  EXPECT_TRUE(eventually([&] { return disk->reads() >= 80; }));
  gate.open();
  while (loader.next()) {
  }
  EXPECT_LE(loader.stats().peak_read_bytes, 5 * 8 * (SlowDisk::record_bytes + 512));
  EXPECT_GT(loader.stats().peak_read_bytes, 8 * SlowDisk::record_bytes);
}

TEST(SlowDisk, ALimitBelowOneChunkStillPasses) {
  LoaderOptions options{.batch_size = 80, .threads = 2, .epochs = 1};
  options.read_ahead_bytes = 1;
  Loader loader(images_of(std::make_shared<SlowDisk>(160)), options);
  EXPECT_EQ(loader.next()->size(), 80);
  EXPECT_EQ(loader.next()->size(), 80);
}

// --- Errors ---

TEST(SlowDisk, AReadThatFailsIsToldAtItsPlace) {
  const auto disk = std::make_shared<SlowDisk>(40);
  disk->in_memory = even;
  disk->before_read = [](std::int64_t index) {
    if (index == 13) throw Error(ErrorCode::io, "the disk is on fire");
  };
  Loader loader(images_of(disk, Shuffle::none), {.batch_size = 10, .threads = 2, .epochs = 1});
  EXPECT_EQ(loader.next()->begin(), (Position{0, 0}));
  try {
    loader.next();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "record 13: the disk is on fire");
  }
  EXPECT_EQ(loader.next()->begin(), (Position{0, 20}));
  EXPECT_EQ(loader.next()->begin(), (Position{0, 30}));
  EXPECT_FALSE(loader.next());
}

TEST(SlowDisk, AReaderThatFailsAsAWholeIsAnErrorOfItsBatch) {
  class BadReader final : public fake::CountingSequence, public SampleReader {
   public:
    BadReader() : CountingSequence(20, 10) {}
    const SampleReader* reader() const override { return this; }
    std::int64_t fill_ready(std::uint64_t, std::int64_t, const Rows&) const override { return 0; }
    std::unique_ptr<LoadedSamples> load(std::uint64_t, std::int64_t first, std::int64_t,
                                        const std::atomic<bool>&) const override {
      if (first == 0) throw std::bad_alloc();
      return nullptr;  // nothing: fill() does it
    }
    void fill_loaded(std::uint64_t, std::int64_t, const Rows&, LoadedSamples&) const override {}
    std::size_t will_need(std::uint64_t, std::int64_t, std::int64_t) const override {
      throw std::bad_alloc();
    }
  };
  Loader loader(std::make_shared<BadReader>(), {.batch_size = 10, .threads = 1, .epochs = 1});
  EXPECT_THROW(loader.next(), std::bad_alloc);
  EXPECT_EQ(loader.next()->field("value").as<std::uint64_t>()[9], fake::sample_value(1, 0, 19));
}

// --- Ending ---

TEST(SlowDisk, DestructionReturnsAsSoonAsTheReadsUnderWay) {
  const auto disk = std::make_shared<SlowDisk>(1'000);
  Gate gate;
  disk->before_read = [&](std::int64_t) { gate.pass(); };
  LoaderOptions options{.batch_size = 100, .threads = 2};
  options.io_threads = 3;
  auto loader = std::make_unique<Loader>(images_of(disk), options);
  EXPECT_TRUE(eventually([&] { return disk->reading() == 3; }));
  auto end = std::async(std::launch::async, [&] { loader.reset(); });
  EXPECT_EQ(end.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  gate.open();
  EXPECT_EQ(end.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_LE(disk->reads(), 3);
}

TEST(SlowDisk, CancelWakesTheConsumerWhileReadsHang) {
  const auto disk = std::make_shared<SlowDisk>(100);
  Gate gate;
  disk->before_read = [&](std::int64_t) { gate.pass(); };
  Loader loader(images_of(disk), {.batch_size = 10, .threads = 2});
  EXPECT_TRUE(eventually([&] { return disk->reading() > 0; }));
  std::thread canceller([&] { loader.cancel(); });
  EXPECT_THROW(loader.next(), Error);
  canceller.join();
  gate.open();
}

TEST(SlowDisk, RestoringGoesOnWhileReadsOfTheOldPlaceHang) {
  const auto disk = std::make_shared<SlowDisk>(1'000);
  Gate gate;
  disk->in_memory = [](std::int64_t index) { return index >= 500; };
  disk->before_read = [&](std::int64_t) { gate.pass(); };
  LoaderOptions options{.batch_size = 8, .threads = 2, .prefetch = 2, .leases = 4};
  options.io_threads = 1;
  Loader loader(images_of(disk, Shuffle::none), options);
  EXPECT_TRUE(eventually([&] { return disk->reading() == 1; }));
  // Chunks that wait for the read that hangs are given up; only its own slot is still held.
  loader.restore({{0, 600}, loader.state().fingerprint});
  EXPECT_EQ(loader.next()->begin(), (Position{0, 600}));
  gate.open();
  loader.restore({{0, 100}, loader.state().fingerprint});
  EXPECT_EQ(loader.next()->begin(), (Position{0, 100}));
}

TEST(SlowDisk, CanBeLeftAtAnyMoment) {
  Rng rng(1, 1);
  const auto disk = std::make_shared<SlowDisk>(300);
  disk->in_memory = even;
  disk->before_read = [](std::int64_t index) {
    std::this_thread::sleep_for(std::chrono::microseconds(index % 50));
  };
  for (int i = 0; i < 150; ++i) {
    const auto sequence = images_of(disk);
    {
      LoaderOptions options{.batch_size = 1 + static_cast<std::int64_t>(rng.below(20)),
                            .threads = 1 + static_cast<int>(rng.below(3))};
      options.io_threads = 1 + static_cast<int>(rng.below(4));
      options.read_ahead_bytes = rng.below(20) * SlowDisk::record_bytes;
      Loader loader(sequence, options);
      for (std::uint64_t taken = rng.below(12); taken > 0; --taken) loader.next();
      if (rng.chance(0.3)) {
        loader.restore({{rng.below(9), 13}, loader.state().fingerprint});
        EXPECT_EQ(loader.next()->begin().sample, 13);
      }
      if (rng.chance(0.2)) loader.cancel();
    }
    ASSERT_EQ(disk->reading(), 0);
    ASSERT_EQ(sequence.use_count(), 1);
  }
}

}  // namespace
}  // namespace headrace
