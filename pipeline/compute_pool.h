#pragma once

#include <memory>
#include <vector>

namespace headrace {

struct ComputePoolOptions {
  // 0: one for each of `cpus`, or each core that this process may use.
  int threads = 0;
  // The CPUs that the threads may run on, any of them on any; empty: those of the process.
  // parse_cpu_list() (cpu_list.h) makes it of "0-3,6".
  std::vector<int> cpus = {};
};

// Threads that fill batches (oneTBB's, in an arena), for all the loaders that share it. Each
// loader has a bound of its own (LoaderOptions::threads), and all together never fill more chunks
// at a time than the pool has threads. Free threads go to the loader that has the fewest, then to
// the one that was given least time; a loader whose slots are full, because nobody takes its
// batches, asks for none.
//
// A loader that is not given a pool uses the process's, so that a training and its validation do
// not fight for the cores. A pool of one's own is for what shall not share: a loader with CPUs
// of its own, or one whose batches a Sequence takes while it fills (inside one pool, threads that
// wait for one another could wait for ever, so that is refused).
//
// Threads do not survive fork(): a child process makes pools and loaders of its own, and leaves
// those it inherited alone. Thread-safe.
class ComputePool {
 public:
  // Throws Error{invalid_argument} for a number of threads not within 0 to 4,096, and naming the
  // CPU, for one that is listed twice or that this process may not run on.
  explicit ComputePool(ComputePoolOptions options = {});
  // Loaders keep their pool alive.
  ~ComputePool();
  ComputePool(const ComputePool&) = delete;
  ComputePool& operator=(const ComputePool&) = delete;

  // The pool of loaders that are not given one; it exists as long as one of them does. It has a
  // thread for each core that the process may use, and more only while one loader alone asks for
  // more.
  static std::shared_ptr<ComputePool> of_process();

  int threads() const;
  const std::vector<int>& cpus() const;  // empty: those of the process

 private:
  friend class ComputeLane;
  struct State;
  struct OfProcess {};
  explicit ComputePool(OfProcess);
  std::unique_ptr<State> state_;
};

}  // namespace headrace
