#include "headrace/pipeline/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <new>
#include <set>
#include <string>

#include "allocation_counter.h"
#include "loader_checks.h"

namespace headrace {
namespace {

using fake::counting;
using fake::CountingSequence;
using fake::eventually;
using fake::expect_samples_of;
using fake::stream_fingerprint;
using ::testing::HasSubstr;

// What is left of a stream that ends, in words: positions, values and ends of epochs.
std::vector<std::string> rest_of(Loader& loader) {
  std::vector<std::string> events;
  while (loader.state().position.epoch < *loader.options().epochs) {
    const auto batch = loader.next();
    if (!batch) {
      events.push_back("end of epoch");
      continue;
    }
    for (std::int64_t row = 0; row < batch->size(); ++row) {
      const auto index = batch->field("index").as<std::int32_t>();
      const auto at = static_cast<std::size_t>(row);
      events.push_back(std::to_string(index[2 * at]) + "/" + std::to_string(index[2 * at + 1]) +
                       ": " + std::to_string(batch->field("value").as<std::uint64_t>()[at]));
    }
  }
  EXPECT_FALSE(loader.next().has_value());
  EXPECT_FALSE(loader.next().has_value());
  return events;
}

// --- The stream ---

TEST(Loader, DeliversEverySampleInOrderEpochAfterEpoch) {
  Loader loader(counting(23), {.batch_size = 5, .threads = 2, .epochs = 3});
  EXPECT_EQ(loader.batches_per_epoch(), 5);
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    for (std::int64_t first = 0; first < 23; first += 5) {
      EXPECT_EQ(loader.state().position, (Position{epoch, first}));
      const auto batch = loader.next();
      ASSERT_TRUE(batch);
      expect_samples_of(*batch, {epoch, first}, std::min<std::int64_t>(5, 23 - first));
    }
    EXPECT_FALSE(loader.next());
  }
  EXPECT_FALSE(loader.next());
  EXPECT_FALSE(loader.next());
  EXPECT_EQ(loader.state().position, (Position{3, 0}));
}

TEST(Loader, DropsTheSamplesThatDoNotFillABatchIfAsked) {
  Loader loader(counting(23), {.batch_size = 5, .drop_last = true, .threads = 2, .epochs = 2});
  EXPECT_EQ(loader.batches_per_epoch(), 4);
  for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
    for (std::int64_t first = 0; first < 20; first += 5) {
      expect_samples_of(loader.next().value(), {epoch, first}, 5);
    }
    EXPECT_FALSE(loader.next());
  }
  EXPECT_FALSE(loader.next());
}

TEST(Loader, TheSameStreamAtAnyNumberOfThreadsAndAnyPrefetch) {
  const auto sequence = counting(301, 4);
  const std::uint64_t expected = stream_fingerprint(
      sequence, {.batch_size = 16, .threads = 1, .prefetch = 1, .leases = 1, .epochs = 3});
  for (const int threads : {1, 2, 8}) {
    for (const int prefetch : {1, 4, 16}) {
      EXPECT_EQ(
          stream_fingerprint(
              sequence, {.batch_size = 16, .threads = threads, .prefetch = prefetch, .epochs = 3}),
          expected)
          << threads << " threads, prefetch " << prefetch;
    }
  }
}

TEST(Loader, StreamsDifferByEpochAndBySeed) {
  const LoaderOptions first{.batch_size = 16, .threads = 2, .epochs = 1};
  const LoaderOptions second{.batch_size = 16, .threads = 2, .start = {1, 0}, .epochs = 2};
  const std::uint64_t base = stream_fingerprint(counting(50), first);
  EXPECT_EQ(base, stream_fingerprint(counting(50), first));
  EXPECT_NE(base, stream_fingerprint(counting(50), second));
  EXPECT_NE(base, stream_fingerprint(counting(50, 3, 2), first));
}

TEST(Loader, ABatchLargerThanTheEpochIsTheEpoch) {
  Loader loader(counting(7), {.batch_size = 1'000'000'000, .threads = 1});
  expect_samples_of(loader.next().value(), {0, 0}, 7);
  EXPECT_FALSE(loader.next());
  expect_samples_of(loader.next().value(), {1, 0}, 7);
  EXPECT_LT(loader.memory_bytes(), 10'000u);
}

TEST(Loader, NextEpochIsMadeBeforeThisOnesEndIsNoticed) {
  const auto sequence = counting(8, 8);
  Loader loader(sequence, {.batch_size = 4, .threads = 1, .prefetch = 4, .leases = 1});
  loader.next();
  loader.next();
  EXPECT_TRUE(eventually([&] { return sequence->filled() >= 8 + 4 * 4; }));
  EXPECT_FALSE(loader.next());
}

TEST(Loader, MakeBatchGivesTheBatchOfTheStream) {
  const auto sequence = counting(23);
  expect_samples_of(make_batch(*sequence, 2, 3, 5), {2, 15}, 5);
  expect_samples_of(make_batch(*sequence, 0, 4, 5), {0, 20}, 3);
  EXPECT_THROW(make_batch(*sequence, 0, 5, 5), Error);
  EXPECT_THROW(make_batch(*sequence, 0, -1, 5), Error);
  EXPECT_THROW(make_batch(*sequence, 0, 0, 0), Error);
  EXPECT_THROW(make_batch(*sequence, 0, std::numeric_limits<std::int64_t>::max(), 5), Error);
}

// --- Going on from a saved position ---

TEST(Loader, RestoringAnywhereGivesTheUninterruptedStream) {
  const LoaderOptions options{.batch_size = 4, .threads = 2, .prefetch = 3, .epochs = 3};
  const auto sequence = counting(10, 2);
  std::vector<StreamState> states;
  std::vector<std::vector<std::string>> rests;
  const int calls = 3 * (3 + 1);
  for (int taken = 0; taken <= calls; ++taken) {
    Loader whole(sequence, options);
    for (int i = 0; i < taken; ++i) whole.next();
    states.push_back(whole.state());
    rests.push_back(rest_of(whole));
  }
  Loader restored(sequence, options);
  for (std::size_t i = 0; i < states.size(); ++i) {
    const std::size_t at = i * 5 % states.size();  // back and forth
    restored.restore(states[at]);
    EXPECT_EQ(restored.state().position, states[at].position);
    EXPECT_EQ(rest_of(restored), rests[at]) << "after " << at << " calls";

    LoaderOptions from_there = options;
    from_there.start = states[at].position;
    Loader started(sequence, from_there);
    EXPECT_EQ(rest_of(started), rests[at]);
  }
}

TEST(Loader, ABatchSaysWhereTheStreamGoesOnAfterIt) {
  const auto sequence = counting(10);
  Loader loader(sequence, {.batch_size = 4, .threads = 2, .epochs = 1});
  std::optional<Position> trained;
  for (int i = 0; i < 2; ++i) trained = loader.next()->end();
  Loader resumed(sequence, {.batch_size = 4, .threads = 2, .epochs = 1});
  resumed.restore({*trained, loader.state().fingerprint});
  expect_samples_of(resumed.next().value(), {0, 8}, 2);
}

TEST(Loader, TheBatchSizeMayChangeWhereAStreamIsRestored) {
  const auto sequence = counting(50, 4);
  Loader small(sequence, {.batch_size = 6, .threads = 2, .epochs = 2});
  for (int i = 0; i < 4; ++i) small.next();
  Loader large(sequence, {.batch_size = 17, .threads = 2, .epochs = 2});
  large.restore(small.state());
  expect_samples_of(large.next().value(), {0, 24}, 17);
  expect_samples_of(large.next().value(), {0, 41}, 9);
  EXPECT_FALSE(large.next());
  expect_samples_of(large.next().value(), {1, 0}, 17);
}

TEST(Loader, RestoreDropsWhatWasMadeAheadAndKeepsLeases) {
  const auto sequence = counting(1000);
  Loader loader(sequence, {.batch_size = 4, .threads = 2, .prefetch = 8});
  const auto held = loader.next();
  for (std::int64_t i = 0; i < 50; ++i) {
    loader.restore({{static_cast<std::uint64_t>(i), i * 7}, 1});
    expect_samples_of(loader.next().value(), {static_cast<std::uint64_t>(i), i * 7}, 4);
  }
  expect_samples_of(*held, {0, 0}, 4);
}

TEST(Loader, RefusesAStateOfAnotherStreamOrOutOfRange) {
  Loader loader(counting(10), {.batch_size = 4, .threads = 1, .epochs = 2});
  EXPECT_THROW(loader.restore({{0, 0}, 2}), Error);
  EXPECT_THROW(loader.restore({{0, -1}, 1}), Error);
  EXPECT_THROW(loader.restore({{0, 11}, 1}), Error);
  EXPECT_THROW(loader.restore({{3, 0}, 1}), Error);
  expect_samples_of(loader.next().value(), {0, 0}, 4);  // as if nothing had been asked
}

// --- Errors ---

TEST(Loader, ErrorsComeAtTheirPlaceAndTheStreamGoesOn) {
  const auto sequence = counting(20, 2);
  sequence->before_sample = [](std::uint64_t epoch, std::int64_t position) {
    if (epoch == 0 && position == 9) throw Error(ErrorCode::corrupt_data, "sample 9");
  };
  for (const int threads : {1, 2, 4}) {
    Loader loader(sequence, {.batch_size = 4, .threads = threads, .epochs = 1});
    expect_samples_of(loader.next().value(), {0, 0}, 4);
    expect_samples_of(loader.next().value(), {0, 4}, 4);
    try {
      loader.next();
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corrupt_data);
      EXPECT_STREQ(error.what(), "sample 9");
    }
    EXPECT_EQ(loader.state().position, (Position{0, 12}));
    expect_samples_of(loader.next().value(), {0, 12}, 4);
    expect_samples_of(loader.next().value(), {0, 16}, 4);
    EXPECT_FALSE(loader.next());
    EXPECT_EQ(loader.stats().batches, 4);
  }
}

TEST(Loader, TheLowestFailingSampleIsTheOneThatIsTold) {
  const auto sequence = counting(64, 1);
  sequence->before_sample = [](std::uint64_t, std::int64_t position) {
    if (position % 64 == 5) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (position >= 5) throw Error(ErrorCode::io, "sample " + std::to_string(position));
  };
  Loader loader(sequence, {.batch_size = 64, .threads = 4});
  for (int i = 0; i < 30; ++i) {
    try {
      if (!loader.next()) continue;
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "sample 5");
    }
  }
}

TEST(Loader, AnyExceptionOfASequenceReachesTheConsumer) {
  const auto sequence = counting(3, 1);
  sequence->before_sample = [](std::uint64_t, std::int64_t position) {
    if (position == 0) throw std::bad_alloc();
    if (position == 1) throw 42;
  };
  Loader loader(sequence, {.batch_size = 1, .threads = 2, .epochs = 1});
  EXPECT_THROW(loader.next(), std::bad_alloc);
  EXPECT_THROW(loader.next(), int);
  expect_samples_of(loader.next().value(), {0, 2}, 1);
  EXPECT_FALSE(loader.next());
}

TEST(Loader, RefusesOptionsThatMakeNoSense) {
  const auto refusal = [](LoaderOptions options, std::int64_t size = 10) -> std::string {
    try {
      Loader loader(counting(size), options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(refusal({}, 0), HasSubstr("not empty"));
  EXPECT_THAT(refusal({.batch_size = 0}), HasSubstr("batch size 0"));
  EXPECT_THAT(refusal({.batch_size = -1}), HasSubstr("batch size -1"));
  EXPECT_THAT(refusal({.threads = -1}), HasSubstr("threads -1"));
  EXPECT_THAT(refusal({.threads = 100'000}), HasSubstr("threads"));
  EXPECT_THAT(refusal({.prefetch = 0}), HasSubstr("prefetch 0"));
  EXPECT_THAT(refusal({.leases = 0}), HasSubstr("leases 0"));
  EXPECT_THAT(refusal({.epochs = 0}), HasSubstr("0 epochs"));
  EXPECT_THAT(refusal({.batch_size = 11, .drop_last = true}), HasSubstr("does not fill"));
  EXPECT_THAT(refusal({.start = {0, 11}}), HasSubstr("sample 11"));
  EXPECT_THAT(refusal({.start = {0, -1}}), HasSubstr("sample -1"));
  EXPECT_THAT(refusal({.start = {4, 0}, .epochs = 3}), HasSubstr("epoch 4"));
  EXPECT_THROW(Loader(nullptr), Error);
}

TEST(Loader, RefusesMoreMemoryThanThereCanBe) {
  class Huge final : public CountingSequence {
   public:
    Huge() : CountingSequence(std::numeric_limits<std::int64_t>::max()) {}
  };
  EXPECT_THROW(Loader(std::make_shared<Huge>(),
                      {.batch_size = std::numeric_limits<std::int64_t>::max() / 2}),
               Error);
}

// --- Leases and memory ---

TEST(Loader, MoreBatchesThanTheConsumerMayHoldAreAnErrorAndNotAWait) {
  Loader loader(counting(100), {.batch_size = 4, .threads = 2, .leases = 2});
  std::optional<Batch> one = loader.next();
  std::optional<Batch> two = loader.next();
  try {
    loader.next();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_THAT(error.what(), HasSubstr("holds 2 batches"));
  }
  one.reset();
  expect_samples_of(loader.next().value(), {0, 8}, 4);
}

TEST(Loader, ABatchOutlivesItsLoader) {
  std::optional<Batch> batch;
  {
    Loader loader(counting(100), {.batch_size = 8, .threads = 2});
    loader.next();
    batch = loader.next();
  }
  expect_samples_of(*batch, {0, 8}, 8);
}

TEST(Loader, BatchesMayBeReleasedOnAnotherThread) {
  Loader loader(counting(400), {.batch_size = 4, .threads = 2, .leases = 1, .epochs = 1});
  for (int i = 0; i < 100; ++i) {
    auto batch = loader.next();
    std::thread([moved = std::move(*batch)] {}).join();
  }
  EXPECT_FALSE(loader.next());
}

TEST(Loader, TwentyEpochsUseTheSameSlotsAndAllocateNextToNothing) {
  Loader loader(counting(120, 4), {.batch_size = 8, .threads = 2, .epochs = 25});
  std::set<const std::byte*> addresses;
  const auto run_epoch = [&] {
    while (const auto batch = loader.next()) addresses.insert(batch->field(0).data);
  };
  for (int i = 0; i < 5; ++i) run_epoch();
  const std::int64_t before = allocation_count();
  for (int i = 0; i < 20; ++i) run_epoch();
  const std::int64_t batches = 20 * loader.batches_per_epoch();
  EXPECT_LE(allocation_count() - before, batches + 20);  // the count of owners of each lease
  EXPECT_LE(addresses.size(), 6u);                       // prefetch 4, leases 2
  EXPECT_EQ(loader.memory_bytes(), loader.stats().slot_bytes);
}

// --- Ending ---

TEST(Loader, CancelWakesTheConsumerFromAnotherThread) {
  const auto sequence = counting(1000, 1);
  std::atomic<bool> release{false};
  sequence->before_sample = [&](std::uint64_t, std::int64_t position) {
    if (position >= 8) eventually([&] { return release.load(); });
  };
  Loader loader(sequence, {.batch_size = 4, .threads = 2});
  loader.next();
  loader.next();
  std::thread canceller([&] {
    eventually([&] { return sequence->running() > 0; });
    loader.cancel();
  });
  for (int i = 0; i < 2; ++i) {
    try {
      loader.next();
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::cancelled);
    }
  }
  canceller.join();
  release = true;
  loader.restore({{0, 0}, 1});
  EXPECT_THROW(loader.next(), Error);
}

TEST(Loader, CancelStopsTheWork) {
  const auto sequence = counting(1'000'000, 1);
  sequence->before_sample = [](std::uint64_t, std::int64_t) {
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  };
  Loader loader(sequence, {.batch_size = 1000, .threads = 2, .prefetch = 100});
  EXPECT_TRUE(eventually([&] { return sequence->filled() > 10; }));
  loader.cancel();
  EXPECT_TRUE(eventually([&] { return sequence->running() == 0; }));
  EXPECT_LT(sequence->filled(), 50'000);
}

TEST(Loader, CanBeDestroyedAtAnyMoment) {
  Rng rng(1, 1);
  for (int i = 0; i < 300; ++i) {
    const auto sequence = counting(97, 1 + static_cast<std::int64_t>(rng.below(5)));
    std::optional<Batch> held;
    {
      Loader loader(sequence, {.batch_size = 1 + static_cast<std::int64_t>(rng.below(20)),
                               .threads = 1 + static_cast<int>(rng.below(4)),
                               .prefetch = 1 + static_cast<int>(rng.below(6))});
      for (std::uint64_t taken = rng.below(12); taken > 0; --taken) held = loader.next();
      if (rng.chance(0.3)) loader.restore({{rng.below(9), 13}, 1});
      if (rng.chance(0.2)) loader.cancel();
      if (rng.chance(0.5)) std::this_thread::sleep_for(std::chrono::microseconds(rng.below(300)));
    }
    ASSERT_EQ(sequence->running(), 0);
    ASSERT_EQ(sequence.use_count(), 1);
  }
}

TEST(Loader, DestructionWaitsForNoMoreThanTheChunksUnderWay) {
  const auto sequence = counting(1'000'000, 2);
  sequence->before_sample = [](std::uint64_t, std::int64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  {
    Loader loader(sequence, {.batch_size = 10'000, .threads = 2, .prefetch = 8});
    EXPECT_TRUE(eventually([&] { return sequence->running() > 0; }));
  }
  EXPECT_EQ(sequence->running(), 0);
  EXPECT_LT(sequence->filled(), 10'000);
}

TEST(Loader, MovesWithItsWork) {
  Loader loader(counting(100), {.batch_size = 4, .threads = 2});
  expect_samples_of(loader.next().value(), {0, 0}, 4);
  Loader moved = std::move(loader);
  expect_samples_of(moved.next().value(), {0, 4}, 4);
  moved = Loader(counting(50), {.batch_size = 3, .threads = 1});
  expect_samples_of(moved.next().value(), {0, 0}, 3);
}

// --- Statistics ---

TEST(Loader, CountsWhatItDelivered) {
  const auto sequence = counting(20, 4);
  Loader loader(sequence, {.batch_size = 4, .threads = 2, .prefetch = 3, .leases = 1});
  for (int i = 0; i < 7; ++i) loader.next();  // six batches and the end of an epoch
  EXPECT_TRUE(eventually([&] { return loader.stats().ready_batches == 4; }));
  const LoaderStats stats = loader.stats();
  EXPECT_EQ(stats.batches, 6);
  EXPECT_EQ(stats.samples, 24);
  EXPECT_GT(stats.first_batch_seconds, 0);
  EXPECT_GE(stats.wait_seconds, stats.max_epoch_gap_seconds);
  EXPECT_GT(stats.max_epoch_gap_seconds, 0);
  EXPECT_GE(stats.wait_p99_seconds, stats.wait_p50_seconds);
  EXPECT_GT(stats.wait_p50_seconds, 0);
  EXPECT_GT(stats.ready_seconds, 0);
  EXPECT_EQ(stats.queued_chunks, 0);
}

TEST(Loader, SaysHowLongItsWorkersHadNothingToDo) {
  Loader loader(counting(20, 4), {.batch_size = 4, .threads = 2});
  EXPECT_TRUE(eventually([&] { return loader.stats().starved_seconds > 0.01; }));
  const double before = loader.stats().starved_seconds;
  EXPECT_TRUE(eventually([&] { return loader.stats().starved_seconds > before; }));
  loader.next();
  EXPECT_GE(loader.stats().starved_seconds, before);
}

TEST(Loader, WorkersAtTheEndOfTheStreamAreNotStarved) {
  Loader loader(counting(20, 4), {.batch_size = 20, .threads = 2, .epochs = 1});
  loader.next();
  EXPECT_EQ(loader.stats().starved_seconds, 0);
}

}  // namespace
}  // namespace headrace
