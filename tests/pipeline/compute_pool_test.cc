#include "headrace/pipeline/compute_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "headrace/pipeline/cpu_list.h"
#include "headrace/pipeline/worker_budget.h"
#include "loader_checks.h"

namespace headrace {
namespace {

using fake::counting;
using fake::CountingSequence;
using fake::eventually;
using fake::expect_samples_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class Do>
std::string refusal(Do what) {
  try {
    what();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "no error";
}

TEST(ComputePool, LoadersThatShareItFillNoMoreChunksAtATimeThanItHasThreads) {
  const auto pool = std::make_shared<ComputePool>(ComputePoolOptions{.threads = 2});
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::vector<Loader> loaders;
  for (int i = 0; i < 3; ++i) {
    const auto sequence = counting(300, 1);
    sequence->before_sample = [&](std::uint64_t, std::int64_t) {
      const int now = ++running;
      int seen = most;
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      --running;
    };
    loaders.emplace_back(sequence,
                         LoaderOptions{.batch_size = 10, .threads = 4, .pool = pool, .epochs = 1});
    EXPECT_EQ(loaders.back().stats().threads, 2);
  }
  for (std::int64_t first = 0; first < 300; first += 10) {
    for (Loader& loader : loaders) expect_samples_of(loader.next().value(), {0, first}, 10);
  }
  EXPECT_LE(most, 2);
}

TEST(ComputePool, ALoaderThatNobodyTakesBatchesOfDoesNotStarveTheOthers) {
  const auto pool = std::make_shared<ComputePool>(ComputePoolOptions{.threads = 1});
  const LoaderOptions options{.batch_size = 5, .prefetch = 8, .pool = pool};
  Loader left_alone(counting(100), options);
  Loader used(counting(200), options);
  for (std::int64_t first = 0; first < 200; first += 5) {
    expect_samples_of(used.next().value(), {0, first}, 5);
  }
  expect_samples_of(left_alone.next().value(), {0, 0}, 5);
}

TEST(ComputePool, ALoaderWithQuickChunksGetsOnBesideOneWithEndlessSlowOnes) {
  const auto pool = std::make_shared<ComputePool>(ComputePoolOptions{.threads = 1});
  const auto slow = counting(1'000'000, 1);
  slow->before_sample = [](std::uint64_t, std::int64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  };
  Loader slow_loader(slow, {.batch_size = 1000, .prefetch = 100, .pool = pool});
  EXPECT_TRUE(eventually([&] { return slow->filled() > 0; }));
  Loader quick_loader(counting(400, 1), {.batch_size = 4, .pool = pool});
  for (std::int64_t first = 0; first < 400; first += 4) {
    expect_samples_of(quick_loader.next().value(), {0, first}, 4);
  }
  const LoaderStats stats = quick_loader.stats();
  EXPECT_GT(stats.denied_seconds, 0);
  EXPECT_LE(stats.denied_seconds, stats.thread_seconds);
  EXPECT_GT(slow_loader.stats().queued_chunks, 1000);
  // By time, not by turns: 400 turns of the slow one would be 800 ms.
  EXPECT_LT(slow->filled(), 300);
}

TEST(ComputePool, LoadersMayEndInAnyOrderAndTheOthersGoOn) {
  Rng rng(1, 1);
  for (int round = 0; round < 40; ++round) {
    const auto pool = std::make_shared<ComputePool>(
        ComputePoolOptions{.threads = 1 + static_cast<int>(rng.below(3))});
    std::vector<std::optional<Loader>> loaders(4);
    for (auto& loader : loaders) {
      loader.emplace(counting(60, 1 + static_cast<std::int64_t>(rng.below(4))),
                     LoaderOptions{.batch_size = 6,
                                   .threads = 1 + static_cast<int>(rng.below(4)),
                                   .prefetch = 1 + static_cast<int>(rng.below(4)),
                                   .pool = rng.chance(0.5) ? pool : nullptr});
      if (rng.chance(0.5)) loader->next();
    }
    while (!loaders.empty()) {
      loaders.erase(loaders.begin() + static_cast<std::ptrdiff_t>(rng.below(loaders.size())));
      for (auto& loader : loaders) {
        loader->restore({{2, 12}, 1});
        expect_samples_of(loader->next().value(), {2, 12}, 6);
      }
    }
  }
}

TEST(ComputePool, OfTheProcessIsOneForAllLoadersAndGrowsForTheOneThatAsksForMost) {
  const int cores = usable_cores();
  Loader first(counting(10), {.batch_size = 2});
  Loader second(counting(10), {.batch_size = 2});
  EXPECT_EQ(first.options().pool, second.options().pool);
  EXPECT_EQ(first.options().pool, ComputePool::of_process());
  EXPECT_EQ(first.options().pool->threads(), cores);
  {
    Loader larger(counting(10), {.batch_size = 2, .threads = cores + 3});
    EXPECT_EQ(first.options().pool->threads(), cores + 3);
    expect_samples_of(larger.next().value(), {0, 0}, 2);
  }
  EXPECT_EQ(first.options().pool->threads(), cores);
}

TEST(ComputePool, ABatchAskedForByOneOfItsOwnThreadsIsAnErrorAndNotAWait) {
  auto inner = std::make_shared<Loader>(counting(10), LoaderOptions{.batch_size = 2});
  const auto sequence = counting(4, 1);
  sequence->before_sample = [inner](std::uint64_t, std::int64_t) { inner->next(); };
  Loader outer(sequence, {.batch_size = 4});
  EXPECT_THAT(refusal([&] { outer.next(); }), HasSubstr("a ComputePool of its own"));
}

TEST(ComputePool, ALoaderWithAPoolOfItsOwnMayBeUsedInsideASequence) {
  const auto pool = std::make_shared<ComputePool>(ComputePoolOptions{.threads = 1});
  Loader inner(counting(1000), {.batch_size = 2, .pool = pool});
  std::mutex mutex;
  const auto sequence = counting(40, 1);
  sequence->before_sample = [&](std::uint64_t, std::int64_t) {
    const std::lock_guard lock(mutex);
    inner.next();
  };
  Loader outer(sequence, {.batch_size = 4, .threads = 3});
  for (std::int64_t first = 0; first < 40; first += 4) {
    expect_samples_of(outer.next().value(), {0, first}, 4);
  }
}

// The CPUs that the threads may run on which fill a batch.
std::vector<int> cpus_of_fills(std::shared_ptr<ComputePool> pool) {
  const auto sequence = counting(40, 1);
  std::mutex mutex;
  std::vector<int> seen;
  sequence->before_sample = [&](std::uint64_t, std::int64_t) {
    const std::vector<int> cpus = usable_cpus();
    const std::lock_guard lock(mutex);
    for (const int cpu : cpus) {
      if (std::find(seen.begin(), seen.end(), cpu) == seen.end()) seen.push_back(cpu);
    }
  };
  Loader loader(sequence, {.batch_size = 40, .threads = 2, .pool = std::move(pool), .epochs = 1});
  loader.next();
  std::sort(seen.begin(), seen.end());
  return seen;
}

TEST(ComputePool, ItsThreadsRunOnTheCpusItWasGivenAndAreThenLetGo) {
  const std::vector<int> all = usable_cpus();
  for (int round = 0; round < 3; ++round) {
    const std::vector<int> one{all[static_cast<std::size_t>(round) % all.size()]};
    const auto pool = std::make_shared<ComputePool>(ComputePoolOptions{.threads = 2, .cpus = one});
    EXPECT_EQ(pool->threads(), 2);
    EXPECT_EQ(pool->cpus(), one);
    EXPECT_EQ(cpus_of_fills(pool), one);
  }
  EXPECT_EQ(cpus_of_fills(nullptr), all);
  EXPECT_EQ(ComputePool({.cpus = {all[0]}}).threads(), 1);
}

TEST(ComputePool, RefusesThreadsAndCpusThatCannotBe) {
  const int first = usable_cpus()[0];
  EXPECT_THAT(refusal([] { ComputePool({.threads = -1}); }), HasSubstr("-1 threads"));
  EXPECT_THAT(refusal([] { ComputePool({.threads = 9999}); }), HasSubstr("9999 threads"));
  EXPECT_THAT(refusal([] { ComputePool({.cpus = {60'001}}); }), HasSubstr("CPU 60001"));
  EXPECT_THAT(refusal([] { ComputePool({.cpus = {-2}}); }), HasSubstr("CPU -2"));
  EXPECT_THAT(refusal([&] {
                ComputePool({.cpus = {first, first}});
              }),
              HasSubstr("CPU " + std::to_string(first) + " is listed twice"));
}

TEST(CpuList, IsReadAsTasksetReadsIt) {
  EXPECT_THAT(parse_cpu_list("3"), ElementsAre(3));
  EXPECT_THAT(parse_cpu_list("0-3,6"), ElementsAre(0, 1, 2, 3, 6));
  EXPECT_EQ(to_text({0, 1, 2, 3, 6, 8, 9}), "0-3,6,8-9");
  EXPECT_EQ(to_text({}), "");
}

TEST(CpuList, RefusesWhatIsNone) {
  for (const char* text : {"", "a", "1,", "1-", "-1", "1 2", "0x1", "99999999999"}) {
    EXPECT_THAT(refusal([&] { parse_cpu_list(text); }), HasSubstr("0-3,6")) << text;
  }
  EXPECT_THAT(refusal([] { parse_cpu_list("5-2"); }), HasSubstr("\"5-2\": the range runs"));
}

}  // namespace
}  // namespace headrace
