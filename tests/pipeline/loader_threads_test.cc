#include <gtest/gtest.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "headrace/pipeline/worker_budget.h"
#include "loader_checks.h"

namespace headrace {
namespace {

using fake::counting;
using fake::CountingSequence;
using fake::eventually;
using fake::expect_samples_of;
using fake::stream_fingerprint;

// A sequence whose first samples wait for one another: they pass only if so many run at once.
struct Meeting {
  explicit Meeting(int guests) : wanted(guests) {}
  void arrive() {
    ++here;
    if (!eventually([this] { return here >= wanted; })) failed = true;
  }
  const int wanted;
  std::atomic<int> here{0};
  std::atomic<bool> failed{false};
};

std::shared_ptr<CountingSequence> meeting_sequence(Meeting& meeting) {
  const auto sequence = counting(1000, 1);
  sequence->before_sample = [&meeting](std::uint64_t epoch, std::int64_t position) {
    if (epoch == 0 && position < meeting.wanted) meeting.arrive();
  };
  return sequence;
}

TEST(Loader, HasAsManyThreadsAsItWasAskedFor) {
  for (const int threads : {1, 2, 3, 8}) {
    Meeting meeting(threads);
    Loader loader(meeting_sequence(meeting), {.batch_size = 10, .threads = threads});
    expect_samples_of(loader.next().value(), {0, 0}, 10);
    EXPECT_FALSE(meeting.failed) << threads;
    EXPECT_EQ(loader.options().threads, threads);
  }
}

TEST(Loader, HasNoMoreThreadsThanItWasAskedFor) {
  const auto sequence = counting(2000, 1);
  std::mutex mutex;
  std::atomic<int> most{0};
  sequence->before_sample = [&](std::uint64_t, std::int64_t) {
    std::this_thread::sleep_for(std::chrono::microseconds(20));
    const std::lock_guard lock(mutex);
    most = std::max(most.load(), sequence->running());
  };
  Loader loader(sequence, {.batch_size = 100, .threads = 3, .epochs = 1});
  while (loader.next()) {
  }
  EXPECT_LE(most, 3);
}

TEST(Loader, UsesTheCoresThereAreIfNotTold) {
  Loader loader(counting(10), {.batch_size = 2});
  EXPECT_EQ(loader.options().threads, usable_cores());
  EXPECT_GE(loader.options().threads, 1);
}

TEST(Loader, WorksWithinATaskOfAnotherArena) {
  tbb::task_arena arena(2, 1);
  arena.execute([] {
    tbb::parallel_for(0, 4, [](int) {
      Loader loader(counting(40), {.batch_size = 4, .threads = 2, .epochs = 1});
      for (std::int64_t first = 0; first < 40; first += 4) {
        expect_samples_of(loader.next().value(), {0, first}, 4);
      }
      EXPECT_FALSE(loader.next());
    });
  });
}

TEST(Loader, ASequenceThatWorksInParallelItselfIsNotGivenOtherChunksMeanwhile) {
  const auto sequence = counting(200, 1);
  static thread_local int depth = 0;
  std::atomic<int> deepest{0};
  sequence->before_sample = [&](std::uint64_t, std::int64_t) {
    ++depth;
    deepest = std::max(deepest.load(), depth);
    tbb::parallel_for(0, 50, [](int) { std::this_thread::yield(); });
    --depth;
  };
  Loader loader(sequence, {.batch_size = 20, .threads = 3, .epochs = 1});
  while (loader.next()) {
  }
  EXPECT_EQ(deepest, 1);
}

TEST(Loader, MayHaveMoreOrFewerThreadsWhileItRuns) {
  const auto sequence = counting(100'000, 1);
  std::atomic<int> wanted{1};
  std::atomic<int> most{0};
  sequence->before_sample = [&](std::uint64_t, std::int64_t) {
    int seen = most;
    while (sequence->running() > seen && !most.compare_exchange_weak(seen, sequence->running())) {
    }
    if (wanted > 1) eventually([&] { return most >= wanted; });
  };
  Loader loader(sequence, {.batch_size = 20, .threads = 1, .prefetch = 2});
  for (int i = 0; i < 5; ++i) loader.next();
  EXPECT_EQ(most, 1);
  loader.set_threads(3);
  wanted = 3;
  EXPECT_TRUE(eventually([&] {
    loader.next();
    return most == 3;
  }));
  EXPECT_EQ(loader.stats().threads, 3);
  wanted = 1;
  loader.set_threads(1);
  EXPECT_TRUE(eventually([&] { return sequence->running() <= 1; }));
  most = 0;
  for (int i = 0; i < 5; ++i) loader.next();
  EXPECT_EQ(most, 1);
  EXPECT_THROW(loader.set_threads(-1), Error);
  EXPECT_THROW(loader.set_threads(5000), Error);
}

TEST(Loader, TheSameStreamWhileItsThreadsComeAndGo) {
  const auto sequence = counting(997, 2);
  const LoaderOptions options{.batch_size = 16, .threads = 1, .epochs = 6};
  const std::uint64_t expected = stream_fingerprint(sequence, options);
  Loader loader(sequence, options);
  std::atomic<bool> over{false};
  std::thread changing([&] {
    for (int i = 0; !over; ++i) {
      loader.set_threads(1 + i % 5);
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  });
  Fingerprint fingerprint;
  while (loader.state().position.epoch < *options.epochs) {
    if (const auto batch = loader.next()) fingerprint.add(*batch);
  }
  over = true;
  changing.join();
  EXPECT_EQ(fingerprint.value(), expected);
}

}  // namespace
}  // namespace headrace
