#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "headrace/pipeline/batch_job.h"
#include "headrace/pipeline/chunk_filler.h"
#include "headrace/pipeline/compute_lane.h"
#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/slot_pool.h"
#include "headrace/pipeline/stream_layout.h"

namespace headrace {

// What a Loader is made of (not installed). Work goes through the loader's lane of a ComputePool:
//
//   a slot came back ─► cut (one at a time) ─► fill (`threads` at a time, first in first out)
//                                                │  not in memory
//                                                └─► ChunkFiller ─► refill (before fill)
//
// cut() gives each free slot the next batch of the stream and cuts it into chunks of the sequence's
// grain; fill() fills them. Who finishes the last chunk of a batch puts it at its place in the row
// that the consumer takes batches from. A chunk whose reading would wait leaves the lane, and comes
// back to refill() with its bytes.
class Loader::Engine final : private ChunkFiller::Owner, private ComputeLane::Client {
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
  void set_threads(int threads);
  const Sequence& sequence() const { return *sequence_; }
  const LoaderOptions& options() const { return options_; }
  std::size_t memory_bytes() const { return pool_.bytes(); }
  bool is_pinned() const { return pool_.has_given_memory(); }
  std::int64_t most_rows() const { return layout_.most_rows(); }
  // Whether next() would return or throw at once, and there is more to come.
  bool is_ready() const;

 private:
  using Clock = std::chrono::steady_clock;

  enum WorkKind : std::uint32_t { cut_batches, fill_chunk, refill_chunk };

  LoaderOptions budgeted(LoaderOptions options);

  // The side of the threads that fill.
  void kick() noexcept;
  void run(ComputeLane::Work work) noexcept override;
  void cut() noexcept;
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
  std::atomic<int> kicks_{0};  // that cut() has yet to look at
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<std::int64_t> fill_nanoseconds_{0};

  mutable std::mutex mutex_;  // guards what follows, up to the filler
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
  Clock::time_point threads_since_ = created_;  // of their present number
  DurationHistogram waits_;
  std::optional<Clock::time_point> starved_since_;

  ChunkFiller filler_;
  ComputeLane lane_;
};

}  // namespace headrace
