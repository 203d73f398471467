#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "headrace/train/comm/link.h"
#include "headrace/train/comm/peers.h"
#include "headrace/train/comm/transfer.h"
#include "headrace/train/process_group.h"

namespace headrace {

// The thread that carries operations between processes, and what it shares with the ranks of this
// one. The thread alone uses the link.
class Exchange {
 public:
  using Clock = std::chrono::steady_clock;
  using Lock = std::unique_lock<std::mutex>;

  // One that all ranks of this process have come to.
  struct Operation {
    Collective kind = Collective::all_reduce_sum;
    std::vector<float*> buffers;
    std::size_t size = 0;
    bool complete = false;
    Clock::time_point done = {};  // when it became so
    bool overdue = false;         // a rank's deadline has passed
  };

  Exchange(ProcessGroup::OpenLink open, std::chrono::milliseconds deadline);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  int process() const { return shared_->process; }
  int processes() const { return shared_->processes; }
  int local_processes() const { return shared_->local_processes; }

  Lock lock() const { return Lock(shared_->mutex); }
  void submit(std::shared_ptr<Operation> operation, const Lock& lock);
  // Returns when it is complete; nothing touches its buffers when this throws.
  void wait(Operation& operation, Clock::time_point until, Lock& lock);
  // For what the ranks wait for among themselves: returns whether `ready` came in time.
  template <class Ready>
  bool wait_locally(Clock::time_point until, Lock& lock, Ready ready) {
    return shared_->changed.wait_until(lock, until, [&] { return shared_->failed || ready(); });
  }
  void notify(const Lock&) { shared_->changed.notify_all(); }
  bool has_failed(const Lock&) const { return shared_->failed; }
  // The first reason counts.
  void fail(const std::string& reason, const Lock& lock) noexcept;
  [[noreturn]] void throw_failed(Lock& lock);

 private:
  // Outlives this object if the library behind the link never returns.
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;  // for ranks
    std::condition_variable wake;     // for the thread
    int process = 0;
    int processes = 0;
    int local_processes = 0;
    bool met = false;
    bool failed = false;
    bool quiet = false;  // and no buffer is touched any more
    bool closing = false;
    bool ended = false;
    std::string reason = "the exchange of gradients failed";
    std::deque<std::shared_ptr<Operation>> submitted;
  };
  class Carrier;
  static void run(const std::shared_ptr<Shared>& shared, const ProcessGroup::OpenLink& open,
                  std::chrono::milliseconds deadline) noexcept;

  std::shared_ptr<Shared> shared_;
  std::chrono::milliseconds deadline_;
  std::thread thread_;
};

}  // namespace headrace
