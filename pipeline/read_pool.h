#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/sample_reader.h"

namespace headrace {

// The threads of a Loader that wait for disks, so that those which compute never do (not
// installed). Two kinds of work: to read chunks that were found not to be in memory, in the order
// in which they were found; and, once there was such a chunk and when there is nothing to read, to
// tell the system which samples come next. Threads start with the first chunk: where all is in
// memory there are none.
//
// The bytes that are read and not yet used stay below a limit, but for one chunk a thread: its
// size is known only when it is read.
class ReadPool {
 public:
  // A place in the stream: a row of this rank's share of a batch.
  struct Place {
    Position batch;  // its first sample, of any rank
    std::int64_t row = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  // Samples that can be announced together; none if the stream is over.
  struct Piece {
    std::uint64_t epoch = 0;
    std::int64_t first = 0;
    std::int64_t count = 0;
    Place end;
  };
  struct Task {
    Place place;            // of its first sample
    std::uint32_t job = 0;  // the client's names for the chunk
    std::uint32_t chunk = 0;
    std::uint64_t generation = 0;
    std::int64_t first = 0;  // samples [first, first + count) of the epoch
    std::int64_t count = 0;
  };
  // What was read. Counts against the limit until it is destroyed.
  class Result {
   public:
    Result() = default;
    Result(Result&& other) noexcept { *this = std::move(other); }
    Result& operator=(Result&& other) noexcept {
      std::swap(samples, other.samples);
      std::swap(error, other.error);
      std::swap(pool_, other.pool_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Result() {
      samples.reset();
      if (bytes_ != 0) pool_->release(bytes_);
    }

    std::unique_ptr<LoadedSamples> samples;  // null if it was not wanted any more
    std::exception_ptr error;                // of load() itself

   private:
    friend class ReadPool;
    ReadPool* pool_ = nullptr;
    std::size_t bytes_ = 0;
  };
  class Client {
   public:
    virtual bool is_wanted(const Task& task) const noexcept = 0;
    virtual void take(const Task& task, Result result) noexcept = 0;
    // The samples that come at `place` in the stream, or next.
    virtual Piece piece_at(Place place) const noexcept = 0;

   protected:
    ~Client() = default;
  };
  struct Stats {
    std::int64_t samples = 0;  // read
    double busy_seconds = 0;   // all threads together
    std::size_t peak_bytes = 0;
    int queued = 0;  // chunks that wait
  };

  // `cancelled` ends load() early.
  ReadPool(const SampleReader& reader, int threads, std::size_t most_bytes, Client& client,
           const std::atomic<bool>& cancelled);
  ~ReadPool();
  ReadPool(const ReadPool&) = delete;
  ReadPool& operator=(const ReadPool&) = delete;

  // Reads a chunk; the client gets it back, on another thread, wanted or not. After stop() it does
  // not come back. Throws std::system_error if there can be no thread.
  void read(const Task& task);
  // The stream is being filled from here on. Costs nothing while everything is in memory.
  void advance(std::uint64_t generation, Place place) {
    if (ahead_.load(std::memory_order_relaxed)) move_frontier(generation, place);
  }
  // Another generation begins elsewhere in the stream: chunks that wait come back at once.
  void restart(std::uint64_t generation);
  // Ends all threads; returns when the reads under way have returned.
  void stop();
  Stats stats() const;

 private:
  // Samples that were announced and are not yet passed.
  struct Span {
    Place end;
    std::size_t bytes = 0;
  };

  void start();
  void run();
  bool may_read() const;
  bool may_announce() const;
  void read_next(std::unique_lock<std::mutex>& lock);
  void announce_next(std::unique_lock<std::mutex>& lock);
  void move_frontier(std::uint64_t generation, Place place);
  void release(std::size_t bytes);

  const SampleReader& reader_;
  const int thread_count_;
  const std::size_t most_bytes_;
  Client& client_;
  const std::atomic<bool>& cancelled_;
  std::atomic<bool> ahead_{false};  // something was not in memory lately

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::vector<std::thread> threads_;
  bool stopped_ = false;
  std::deque<Task> queue_;
  int reading_ = 0;              // chunks
  std::size_t held_bytes_ = 0;   // read and not yet used
  std::size_t chunk_bytes_ = 0;  // of the largest chunk so far
  std::uint64_t generation_ = 0;
  Place frontier_;
  Place announced_to_;
  bool all_announced_ = false;  // to the end of the stream
  std::deque<Span> spans_;
  std::uint64_t spans_passed_ = 0;  // number of the first of them
  std::size_t announced_bytes_ = 0;
  int needless_ = 0;  // spans in a row that were in memory already
  Stats stats_;
};

}  // namespace headrace
