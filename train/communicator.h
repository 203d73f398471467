#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace headrace {

enum class Collective : std::uint8_t {
  all_reduce_sum,  // every rank gets the sum over ranks, added in the order of ranks
  broadcast,       // every rank gets rank 0's values
  all_gather,      // the buffer is world_size equal parts; rank r gives part r, and gets all. Bits
                   // are moved as they are: anything may lie in them
};

// How gradients go from GPU to GPU. They are f32 in memory.
enum class Wire : std::uint8_t { f32, bf16 };

// What adds up gradients between replicas. Every rank calls the same operations, in the same
// order, with buffers of equal size. A rank is used by one thread at a time.
class Communicator {
 public:
  using Clock = std::chrono::steady_clock;
  using Ticket = std::uint64_t;

  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int world_size() const = 0;

  // Begins an operation in place; the buffer stays untouched by the caller until wait() returns.
  // Throws Error{invalid_argument} if an all_gather's buffer does not divide by world_size.
  virtual Ticket start(Collective operation, std::span<float> buffer) = 0;
  // Returns when the operation is done on this rank. Throws Error{backend} naming the rank that is
  // missing when the deadline passes, or the one that failed; the group is then unusable on every
  // rank.
  virtual void wait(Ticket ticket, std::chrono::milliseconds deadline) = 0;

  // Whether operations go on while their ranks compute. If not, ranks do them in wait().
  virtual bool works_alone() const { return false; }
  // For statistics: when an operation was done on this rank, once wait() has returned from it.
  virtual Clock::time_point done_at(Ticket /*ticket*/) const { return Clock::now(); }

  // Whether it adds up what lies on the plan's devices, there (Plan::device_gradients).
  virtual bool reaches_devices() const { return false; }
  // Throws what wait() would if the group has failed meanwhile; never waits.
  virtual void check() {}

  // Tells every other rank that this one has failed: their waits end with Error{backend}.
  virtual void abort(const char* reason) noexcept = 0;
};

// Ranks within one process, one a thread; sums are made in shared memory, each rank adding up its
// part of the buffer. Ranks of several processes: process_group.h.
std::vector<std::unique_ptr<Communicator>> make_local_communicators(int world_size);

}  // namespace headrace
