#pragma once

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <tuple>
#include <vector>

#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/read_pool.h"
#include "headrace/pipeline/slot_pool.h"
#include "headrace/pipeline/worker_budget.h"

namespace headrace {

// What a Loader is made of (not installed). Batches are made by a flow graph of two nodes, in an
// arena of its own:
//
//   a slot came back ─► cut_ (one at a time) ─► fill_ (`threads` at a time, first in first out)
//                                                 │  not in memory
//                                                 └─► ReadPool ─► refill_ (before fill_)
//
// cut_ gives each free slot the next batch of the stream and cuts it into chunks of the sequence's
// grain; fill_ fills them. Who finishes the last chunk of a batch puts it at its place in the row
// that the consumer takes batches from. There is no node that sorts: it would be one more task for
// each batch, and oneTBB would start it only after the chunks that wait already. A chunk whose
// reading would wait leaves the graph, and comes back to refill_ with its bytes.
class Loader::Engine final : private ReadPool::Client {
 public:
  Engine(std::shared_ptr<const Sequence> sequence, LoaderOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  std::optional<Batch> next();
  void cancel() noexcept;
  StreamState state() const;
  void restore(const StreamState& state);
  LoaderStats stats() const;
  const Sequence& sequence() const { return *sequence_; }
  const LoaderOptions& options() const { return options_; }
  std::size_t memory_bytes() const { return pool_.bytes(); }

 private:
  using Clock = std::chrono::steady_clock;

  // How far a chunk has come whose files were not in memory.
  struct Load {
    std::int64_t filled = 0;  // rows that are made
    ReadPool::Result result;
    std::atomic<bool> here{false};  // carries the two from thread to thread
  };
  // A batch on its way. There is one for each slot, used again with it.
  struct Job {
    std::shared_ptr<Slot> slot;
    std::uint64_t ticket = 0;      // its place in the order of delivery
    std::uint64_t generation = 0;  // of the stream; another one after restore()
    Position begin;
    std::int64_t count = 0;  // samples, of all ranks together
    Share share;             // of them, this rank's
    std::int64_t chunks = 0;
    std::vector<Load> loads;   // by chunk; empty if the sequence does not read
    std::exception_ptr error;  // of the lowest row that failed
    std::atomic<std::int64_t> failed_row{none_failed};
    // Chunks not yet finished. Written after the fields above and read before them, so it also
    // carries them from thread to thread.
    std::atomic<std::int64_t> chunks_left{0};

    static constexpr std::int64_t none_failed = std::numeric_limits<std::int64_t>::max();
  };
  // A part of a batch. Small enough for a register: what a body reads through a pointer from
  // oneTBB, ThreadSanitizer takes for a race.
  struct Chunk {
    std::uint32_t job;    // index in jobs_
    std::uint32_t index;  // 0, ..., chunks - 1
  };
  struct Span {
    std::int64_t first;  // row of this rank's share, or sample of the epoch
    std::int64_t count;
  };
  struct SlotsFree {};
  using CutNode = tbb::flow::multifunction_node<SlotsFree, std::tuple<Chunk>>;
  using FillNode = tbb::flow::function_node<Chunk, tbb::flow::continue_msg>;

  // The graph's side.
  void kick() noexcept;
  void cut(CutNode::output_ports_type& ports) noexcept;
  Job* start_job();
  static Span rows_of(const Job& job, Chunk chunk);
  void fill(Chunk chunk) noexcept;
  void fill_rows(const Job& job, std::int64_t first, std::int64_t count) const;
  static Span run_of(const Job& job, Span chunk, std::int64_t row);
  bool fill_or_read(Job& job, Chunk chunk, Span span);
  void fill_loaded(const Job& job, Span span, Load& load, const ReadPool::Result& result) const;
  void refill(Chunk chunk) noexcept;
  template <class Make>
  void run_body(Job& job, Span span, Make make) noexcept;
  bool is_wanted(const Job& job) const;
  bool is_wanted(const ReadPool::Task& task) const noexcept override;
  void take(const ReadPool::Task& task, ReadPool::Result result) noexcept override;
  ReadPool::Piece piece_at(ReadPool::Place place) const noexcept override;
  void keep_error(Job& job, std::int64_t row) noexcept;
  void finish(Job& job) noexcept;
  void fail(std::exception_ptr why) noexcept;

  // The stream. Samples of the batch at `at`, of all ranks; 0 at an epoch's end.
  std::int64_t batch_samples(Position at) const;
  Position next_to_cut() const;  // mutex_ is held
  bool is_over(Position at) const { return options_.epochs && at.epoch >= *options_.epochs; }
  void check(Position position) const;
  LoaderOptions budgeted(LoaderOptions options);

  // The consumer's side; mutex_ is held.
  Job* wait_for_batch(std::unique_lock<std::mutex>& lock);
  void throw_if_ended() const;
  void record_wait(Clock::time_point start);
  int ready_batches() const;
  void trace_ready() const;

  const std::shared_ptr<const Sequence> sequence_;
  // Of the options' budget; empty without one.
  MemoryBudget::Share slot_memory_;
  MemoryBudget::Share read_memory_;
  const LoaderOptions options_;
  const std::int64_t size_;
  const std::int64_t grain_;
  const std::uint64_t fingerprint_;
  const SampleReader* const reader_;  // null if nothing is to be read
  const Clock::time_point created_ = Clock::now();

  SlotPool pool_;
  std::vector<Job> jobs_;  // by Slot::index()

  std::atomic<bool> stop_{false};
  std::atomic<bool> kicked_{false};
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<std::int64_t> fill_nanoseconds_{0};
  // Released at the end of each body and acquired by the destructor: waiting for the graph orders
  // them too, but ThreadSanitizer cannot see into oneTBB.
  std::atomic<std::uint64_t> bodies_run_{0};

  mutable std::mutex mutex_;  // guards what follows, up to the graph
  std::condition_variable wake_consumer_;
  Position cut_at_;  // the next batch to be started
  std::uint64_t cut_ticket_ = 0;
  int in_flight_ = 0;              // batches started and not finished
  std::vector<Job*> finished_;     // by ticket modulo slots; null: not yet
  std::uint64_t take_ticket_ = 0;  // the next batch to be handed out
  Position taken_to_;
  bool cancelled_ = false;
  std::exception_ptr failure_;  // of the engine itself
  bool epoch_begins_ = false;   // the consumer was told of an epoch's end
  bool first_taken_ = false;
  LoaderStats stats_;
  DurationHistogram waits_;
  std::optional<Clock::time_point> starved_since_;

  WorkerBudget workers_;
  tbb::task_arena arena_;
  std::optional<tbb::flow::graph> graph_;
  std::optional<CutNode> cut_;
  std::optional<FillNode> fill_;
  std::optional<FillNode> refill_;
  std::optional<ReadPool> reads_;
};

}  // namespace headrace
