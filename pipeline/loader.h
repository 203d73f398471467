#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/compute_pool.h"
#include "headrace/pipeline/device.h"
#include "headrace/pipeline/loader_stats.h"
#include "headrace/pipeline/memory_budget.h"
#include "headrace/pipeline/sequence.h"
#include "headrace/pipeline/shard.h"
#include "headrace/pipeline/trace.h"

namespace headrace {

class DeviceFeed;

struct LoaderOptions {
  std::int64_t batch_size = 32;  // of all ranks together
  // Leaves out the samples at the end of an epoch that do not fill a batch.
  bool drop_last = false;
  int threads = 0;   // that fill batches, at most; 0: all that the pool has
  int prefetch = 4;  // batches made ahead of the consumer, and one more for each lease not held
  int leases = 2;    // batches the consumer may hold at the same time
  // Whose threads they are. Absent: the process's, which all such loaders share; it has one for
  // each core that the process may use, and more while a loader asks for more.
  std::shared_ptr<ComputePool> pool = {};
  // This process's part of each batch. Positions stay those of the whole stream, so a state saved
  // by any rank goes on with any number of ranks and any batch size, and no sample is lost or
  // repeated.
  Shard shard = {};
  // The stream starts here, at any sample, and ends before epoch `epochs` (absent: never).
  Position start = {};
  std::optional<std::uint64_t> epochs = {};
  // Threads that wait for disks, so that those which fill never do; they start when a file is found
  // not to be in memory. So many reads are under way at a time. 0: the threads that fill wait.
  int io_threads = 8;
  // Encoded bytes that those may have read ahead of filling, and as much again that the kernel is
  // told to read into its own memory.
  std::size_t read_ahead_bytes = std::size_t{64} << 20;
  // A budget that slots and reading ahead are taken from, with the caches that share it; absent: as
  // much as they need. Slots must fit in it, and 1 MiB to read ahead, which takes a quarter of what
  // they leave at most. Batches that outlive the loader are no longer counted.
  std::shared_ptr<MemoryBudget> memory = {};
  // Where to note what each thread does; absent: nowhere. The file is written when the last of
  // those who hold it lets go.
  std::shared_ptr<Trace> trace = {};
  // A GPU that batches are brought to (Batch::device()), so many of them ahead of the consumer.
  // Slots, leases + device_ahead more of them, are then pinned, unless they need more than
  // `pinned_bytes` or the system has none: device_report() says so, and copies are slower.
  std::shared_ptr<Device> device = {};
  int device_ahead = 2;
  std::size_t pinned_bytes = std::size_t{4} << 30;
};

// Where a stream stands, and of which stream it speaks.
struct StreamState {
  Position position;
  std::uint64_t fingerprint = 0;
};

// Runs a Sequence ahead of its consumer on many threads, and hands out its batches in order. The
// batches do not depend on the number of threads, nor on how far it runs ahead. The stream goes on
// across the ends of epochs without draining. Memory is bounded by prefetch + leases slots.
//
// One consumer thread at a time; cancel(), set_threads() and stats() from any thread. Several
// loaders may run in one process, and share its cores (compute_pool.h). Destruction at any moment
// stops the work in flight and returns when no thread touches the sequence any more.
class Loader {
 public:
  // Starts working at once.
  // Throws Error{invalid_argument} if the options make no sense, the sequence is empty, or the
  // memory budget is too small: then with the number that would do.
  explicit Loader(std::shared_ptr<const Sequence> sequence, LoaderOptions options = {});
  Loader(Loader&&) noexcept;
  Loader& operator=(Loader&&) noexcept;
  ~Loader();

  // The next batch; nothing, once, at the end of each epoch, and for ever after the last one.
  // Waits while none is ready. Throws what fill() threw, at its place in the order; the call after
  // that goes on with the next batch. Throws Error{cancelled} after cancel(), and
  // Error{invalid_argument} if the consumer already holds `leases` batches, or is itself a thread
  // of the loader's pool.
  std::optional<Batch> next();

  // Makes next() throw, now and from now on, and stops the work. From any thread.
  void cancel() noexcept;

  // Changes LoaderOptions::threads, from the next chunk on; batches stay the same. From any thread.
  // Throws Error{invalid_argument} beyond 0 to 4,096.
  void set_threads(int threads);

  // Where the stream goes on after the last batch handed out: after an epoch's last one, at that
  // epoch's end, which next() will tell. A checkpoint should rather save the end() of the last
  // batch that was trained.
  StreamState state() const;
  // Goes on from `state`, in O(1). Batches made ahead are dropped; leases stay valid.
  // Throws Error{invalid_argument} if the state is of another stream or out of range.
  void restore(const StreamState& state);

  const BatchSpec& spec() const;  // of the batches that it hands out
  const Sequence& sequence() const;
  const LoaderOptions& options() const;  // as given; pool, threads and read_ahead_bytes resolved
  std::int64_t batches_per_epoch() const;
  std::size_t memory_bytes() const;  // of all slots
  // What it needs, how much of that it has used so far, and the state of LoaderOptions::memory, in
  // one line for people. From any thread.
  std::string memory_report() const;
  LoaderStats stats() const;
  // What a GPU does and holds, in one line for people; "" without one.
  std::string device_report() const;

 private:
  class Engine;  // loader_engine.h
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<DeviceFeed> feed_;  // null without a device
};

// One batch of any sequence made at once on this thread: batch number `index` of `epoch`, as
// `sequence[i]` in Keras. For tests, previews and replaying one bad batch.
// Throws Error{invalid_argument} if there is no such batch.
Batch make_batch(const Sequence& sequence, std::uint64_t epoch, std::int64_t index,
                 std::int64_t batch_size);

}  // namespace headrace
