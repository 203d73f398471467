#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "headrace/pipeline/compute_pool.h"

namespace headrace {

// The way of one loader's work through a ComputePool (not installed): what waits there for a
// thread, first in first out. Thread-safe.
class ComputeLane {
 public:
  // Which work is meant; the names are the client's.
  struct Work {
    std::uint32_t kind = 0;
    std::uint32_t first = 0;
    std::uint32_t second = 0;
  };
  class Client {
   public:
    // On a thread of the pool, so many at a time as the lane has threads.
    virtual void run(Work work) noexcept = 0;

   protected:
    ~Client() = default;
  };
  struct Stats {
    std::size_t waiting = 0;  // for a thread
    int running = 0;
    double denied_seconds = 0;  // see LoaderStats
  };

  // Does `threads` pieces of work at a time at most, and no more than the pool has threads.
  ComputeLane(std::shared_ptr<ComputePool> pool, Client& client, int threads);
  ~ComputeLane();  // close()
  ComputeLane(const ComputeLane&) = delete;
  ComputeLane& operator=(const ComputeLane&) = delete;

  // Throws std::bad_alloc; whether the work will be done is then open.
  // Work {kind, first, second} to {kind, first, second + count - 1}.
  void post(Work work, std::uint32_t count) { post(later_, work, count); }
  // Before all that waits and is not urgent.
  void post_urgent(Work work) { post(urgent_, work, 1); }

  // From the next piece of work on.
  void set_threads(int threads);
  int threads() const;  // as many as it may have now

  // Drops what waits, and returns when nothing runs any more. Nothing is taken after that.
  void close() noexcept;

  // Whether the calling thread is just working for this lane's pool.
  bool is_own_thread() const;
  Stats stats() const;

 private:
  friend struct ComputePool::State;
  using Clock = std::chrono::steady_clock;

  // First in, first out, in memory that is used again.
  class Queue {
   public:
    bool empty() const { return count_ == 0; }
    std::size_t size() const { return count_; }
    void push(Work work);
    Work pop();
    void clear() { count_ = 0; }

   private:
    std::vector<Work> ring_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
  };

  void post(Queue& queue, Work work, std::uint32_t count);
  std::size_t waiting() const { return urgent_.size() + later_.size(); }
  bool may_run() const { return waiting() > 0 && running_ < wanted_; }
  int most_tasks() const;
  void count_denied(Clock::time_point now);

  const std::shared_ptr<ComputePool> pool_;
  Client& client_;
  // What follows is guarded by the pool's mutex.
  int wanted_;  // threads
  Queue urgent_;
  Queue later_;
  int running_ = 0;
  std::chrono::nanoseconds used_{0};  // by its work, or given up by being idle
  bool closed_ = false;
  int denied_ = 0;  // threads that it could use and has not got
  Clock::time_point denied_from_{};
  std::chrono::nanoseconds denied_time_{0};
};

}  // namespace headrace
