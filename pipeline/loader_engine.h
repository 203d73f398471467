#pragma once

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <tuple>
#include <vector>

#include "headrace/pipeline/batch_job.h"
#include "headrace/pipeline/chunk_filler.h"
#include "headrace/pipeline/hand_over.h"
#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/slot_pool.h"
#include "headrace/pipeline/stream_layout.h"
#include "headrace/pipeline/worker_budget.h"

namespace headrace {

// What a Loader is made of (not installed). Batches are made by a flow graph of two nodes, in an
// arena of its own:
//
//   a slot came back ─► cut_ (one at a time) ─► fill_ (`threads` at a time, first in first out)
//                                                 │  not in memory
//                                                 └─► ChunkFiller ─► refill_ (before fill_)
//
// cut_ gives each free slot the next batch of the stream and cuts it into chunks of the sequence's
// grain; fill_ fills them. Who finishes the last chunk of a batch puts it at its place in the row
// that the consumer takes batches from. There is no node that sorts: it would be one more task for
// each batch, and oneTBB would start it only after the chunks that wait already. A chunk whose
// reading would wait leaves the graph, and comes back to refill_ with its bytes.
class Loader::Engine final : private ChunkFiller::Owner {
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

  struct SlotsFree {};
  using CutNode = tbb::flow::multifunction_node<SlotsFree, std::tuple<Chunk>>;
  using FillNode = tbb::flow::function_node<Chunk, tbb::flow::continue_msg>;

  LoaderOptions budgeted(LoaderOptions options);

  // The graph's side.
  void make_graph();
  void kick() noexcept;
  void cut(CutNode::output_ports_type& ports) noexcept;
  BatchJob* start_job();
  void fill(Chunk chunk) noexcept;
  void refill(Chunk chunk) noexcept;
  template <class Make>
  void run_body(BatchJob& job, Chunk chunk, Make make) noexcept;
  bool is_wanted(std::uint64_t generation) const noexcept override;
  void chunk_is_here(Chunk chunk) noexcept override;
  void keep_error(BatchJob& job, std::int64_t row) noexcept;
  void finish(BatchJob& job) noexcept;
  void fail(std::exception_ptr why) noexcept;

  // The consumer's side; mutex_ is held.
  BatchJob* wait_for_batch(std::unique_lock<std::mutex>& lock);
  void throw_if_ended() const;
  void record_wait(Clock::time_point start);
  int ready_batches() const;
  void trace_ready() const;

  const std::shared_ptr<const Sequence> sequence_;
  // Of the options' budget; empty without one.
  MemoryBudget::Share slot_memory_;
  MemoryBudget::Share read_memory_;
  const LoaderOptions options_;
  const StreamLayout layout_;
  const std::uint64_t fingerprint_;
  const Clock::time_point created_ = Clock::now();

  SlotPool pool_;
  std::vector<BatchJob> jobs_;  // by Slot::index()

  std::atomic<bool> stop_{false};
  std::atomic<bool> kicked_{false};
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<std::int64_t> fill_nanoseconds_{0};
  HandOver hand_over_;  // to the graph

  mutable std::mutex mutex_;  // guards what follows, up to the graph
  std::condition_variable wake_consumer_;
  Position cut_at_;  // the next batch to be started
  std::uint64_t cut_ticket_ = 0;
  int in_flight_ = 0;                // batches started and not finished
  std::vector<BatchJob*> finished_;  // by ticket modulo slots; null: not yet
  std::uint64_t take_ticket_ = 0;    // the next batch to be handed out
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
  ChunkFiller filler_;
};

}  // namespace headrace
