// What the engine itself costs: the order, the draws, and the lanes and threads around a fill.
#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "headrace/pipeline/epoch_order.h"
#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/sample_reader.h"

namespace headrace {
namespace {

void order_lookup(benchmark::State& state) {
  const EpochOrder order(state.range(0), Shuffle::full, 1, 2);
  std::int64_t position = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(order.index_at(position));
    position = position + 1 < order.size() ? position + 1 : 0;
  }
}
// Just below a power of two and just above one are the best and the worst case.
BENCHMARK(order_lookup)
    ->Arg(1'000)
    ->Arg(60'000)
    ->Arg(65'537)
    ->Arg(1'281'167)
    ->Arg(1'000'000'000'000);

void order_construction(benchmark::State& state) {
  std::uint64_t epoch = 0;
  for (auto _ : state) {
    const EpochOrder order(1'281'167, Shuffle::full, 1, epoch++);
    benchmark::DoNotOptimize(&order);
  }
}
BENCHMARK(order_construction);

void philox(benchmark::State& state) {
  std::array<std::uint32_t, 4> counter{};
  for (auto _ : state) {
    ++counter[0];
    benchmark::DoNotOptimize(philox4x32(counter, {1, 2}));
  }
}
BENCHMARK(philox);

void four_uniform_draws_of_a_sample(benchmark::State& state) {
  const Rng epoch(1, 2);
  std::uint64_t sample = 0;
  for (auto _ : state) {
    Rng rng = epoch.for_sample(sample++).for_operation(stream_id("crop"));
    for (int i = 0; i < 4; ++i) benchmark::DoNotOptimize(rng.uniform());
  }
}
BENCHMARK(four_uniform_draws_of_a_sample);

// Samples that take so many rounds of work each, one after the other: 100 are about a microsecond.
class Working final : public Sequence {
 public:
  Working(std::int64_t rounds, std::int64_t grain) : rounds_(rounds), grain_(grain) {
    spec_.fields = {{"value", ElementType::i64, {}}};
  }
  std::int64_t size() const override { return 1 << 20; }
  const BatchSpec& spec() const override { return spec_; }
  std::int64_t grain() const override { return grain_; }
  void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const override {
    for (std::int64_t row = 0; row < rows.count(); ++row) {
      std::array<std::uint32_t, 4> words{static_cast<std::uint32_t>(first + row)};
      for (std::int64_t i = 0; i < rounds_; ++i) words = philox4x32(words, {1, 2});
      *rows.row_as<std::uint64_t>(0, row) = words[0] + epoch;
    }
  }

 private:
  std::int64_t rounds_;
  std::int64_t grain_;
  BatchSpec spec_;
};

// Time of all cores together, so that neither other programs nor waiting count.
double process_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

constexpr std::int64_t batch_size = 128;

// A batch of the sequence by a bare loop in chunks of its grain, in CPU seconds.
double bare_batch_seconds(const Sequence& sequence) {
  std::int64_t values[batch_size];
  std::byte* const bases[] = {reinterpret_cast<std::byte*>(values)};
  const Rows rows(sequence.spec(), bases, 0, batch_size);
  double best = 1e9;
  for (int repetition = 0; repetition < 5; ++repetition) {
    constexpr int batches = 20;
    const double start = process_cpu_seconds();
    for (int i = 0; i < batches; ++i) {
      for (std::int64_t first = 0; first < batch_size; first += sequence.grain()) {
        sequence.fill(0, first, rows.part(first, std::min(sequence.grain(), batch_size - first)));
      }
      benchmark::ClobberMemory();
    }
    best = std::min(best, (process_cpu_seconds() - start) / batches);
  }
  return best;
}

// A loader, batch after batch, beside the same work in a bare loop: how much more CPU time a batch
// takes (slots, tasks, hand-over, and the consumer's own part).
void loader_beside_bare_loop(benchmark::State& state) {
  const auto sequence = std::make_shared<Working>(state.range(0), state.range(1));
  const double bare = bare_batch_seconds(*sequence);
  Loader loader(sequence, {.batch_size = batch_size, .threads = static_cast<int>(state.range(2))});
  for (int i = 0; i < 8; ++i) loader.next();
  const double start = process_cpu_seconds();
  for (auto _ : state) benchmark::DoNotOptimize(loader.next());
  const double batch = (process_cpu_seconds() - start) / static_cast<double>(state.iterations());
  state.counters["bare_us"] = bare * 1e6;
  state.counters["overhead_us_per_batch"] = (batch - bare) * 1e6;
  state.counters["overhead_ns_per_sample"] = (batch - bare) * 1e9 / batch_size;
  state.counters["overhead_percent"] = (batch / bare - 1) * 100;
  state.SetItemsProcessed(state.iterations() * batch_size);
}
BENCHMARK(loader_beside_bare_loop)
    ->ArgNames({"rounds", "grain", "threads"})
    ->Args({0, 1, 1})
    ->Args({0, 8, 1})
    ->Args({0, 128, 1})
    ->Args({100, 64, 1})
    ->Args({100, 64, 2})
    ->Args({1'000, 8, 1})
    ->Args({1'000, 8, 2})
    ->Args({10'000, 1, 1})
    ->Args({10'000, 1, 2})
    ->UseRealTime();

// Samples each of which a disk takes 2 ms to read.
class OnDisk final : public Sequence, private SampleReader {
 public:
  OnDisk() { spec_.fields = {{"value", ElementType::i64, {}}}; }
  std::int64_t size() const override { return 1 << 20; }
  const BatchSpec& spec() const override { return spec_; }
  std::int64_t grain() const override { return 8; }
  const SampleReader* reader() const override { return this; }
  void fill(std::uint64_t, std::int64_t first, const Rows& rows) const override {
    read(rows.count());
    write(first, rows);
  }

 private:
  struct Nothing final : LoadedSamples {
    std::size_t bytes() const override { return 1; }
  };

  std::int64_t fill_ready(std::uint64_t, std::int64_t, const Rows&) const override { return 0; }
  std::unique_ptr<LoadedSamples> load(std::uint64_t, std::int64_t, std::int64_t count,
                                      const std::atomic<bool>&) const override {
    read(count);
    return std::make_unique<Nothing>();
  }
  void fill_loaded(std::uint64_t, std::int64_t first, const Rows& rows,
                   LoadedSamples&) const override {
    write(first, rows);
  }
  std::size_t will_need(std::uint64_t, std::int64_t, std::int64_t) const override { return 0; }

  static void read(std::int64_t count) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2) * count);
  }
  static void write(std::int64_t first, const Rows& rows) {
    for (std::int64_t row = 0; row < rows.count(); ++row) {
      *rows.row_as<std::int64_t>(0, row) = first + row;
    }
  }

  BatchSpec spec_;
};

// Two threads that fill and some that wait: at best io_threads / 2 ms samples a second.
void loader_on_a_slow_disk(benchmark::State& state) {
  LoaderOptions options{.batch_size = batch_size, .threads = 2};
  options.io_threads = static_cast<int>(state.range(0));
  Loader loader(std::make_shared<OnDisk>(), options);
  loader.next();
  for (auto _ : state) benchmark::DoNotOptimize(loader.next());
  state.SetItemsProcessed(state.iterations() * batch_size);
}
BENCHMARK(loader_on_a_slow_disk)->ArgName("io_threads")->Arg(0)->Arg(8)->Arg(32)->UseRealTime();

void loader_start_and_end(benchmark::State& state) {
  const auto sequence = std::make_shared<Working>(0, 8);
  for (auto _ : state) {
    Loader loader(sequence, {.batch_size = batch_size, .threads = 2});
    benchmark::DoNotOptimize(loader.next());
  }
}
BENCHMARK(loader_start_and_end)->UseRealTime();

}  // namespace
}  // namespace headrace
