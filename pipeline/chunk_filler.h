#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "headrace/pipeline/batch_job.h"
#include "headrace/pipeline/read_pool.h"
#include "headrace/pipeline/sample_reader.h"
#include "headrace/pipeline/sequence.h"
#include "headrace/pipeline/stream_layout.h"

namespace headrace {

// Fills chunks of a loader's batches from a sequence, without waiting for disks (not installed).
// What of a chunk is in memory is filled at once. The rest is read on other threads, which tell the
// owner when it is here; then it is filled, and whatever comes after it. While that goes on, the
// samples that come next in the stream are announced to the system.
class ChunkFiller final : private ReadPool::Client {
 public:
  class Owner {
   public:
    virtual bool is_wanted(std::uint64_t generation) const noexcept = 0;
    // A chunk was read: refill() can go on with it. On an I/O thread, once for each fill() or
    // refill() that returned false, wanted or not, unless stop() came between.
    virtual void chunk_is_here(Chunk chunk) noexcept = 0;

   protected:
    ~Owner() = default;
  };

  // All must outlive the filler. No I/O threads: what is not in memory is waited for. `stop` ends
  // reading early.
  ChunkFiller(const Sequence& sequence, const StreamLayout& layout, std::vector<BatchJob>& jobs,
              const LoaderOptions& options, Owner& owner, const std::atomic<bool>& stop);
  ~ChunkFiller();
  ChunkFiller(const ChunkFiller&) = delete;
  ChunkFiller& operator=(const ChunkFiller&) = delete;

  // Whether `sequence` is read on threads of its own under these options.
  static bool reads_ahead(const LoaderOptions& options, const Sequence& sequence);

  // True if the chunk is done; false if the rest of it is being read. Throws what the sequence
  // throws.
  bool fill(BatchJob& job, Chunk chunk);
  // What was read for a chunk. To be taken before refill(), and freed even if nobody wants the
  // chunk any more.
  ReadPool::Result take_read(BatchJob& job, Chunk chunk);
  bool refill(BatchJob& job, Chunk chunk, const ReadPool::Result& read);

  // Another generation begins elsewhere in the stream: chunks that wait come back at once.
  void restart(std::uint64_t generation);
  // Returns when the reads under way have returned; nothing comes back after that.
  void stop();
  ReadPool::Stats stats() const;

 private:
  bool fill_or_read(BatchJob& job, Chunk chunk, Span rows);

  bool is_wanted(const ReadPool::Task& task) const noexcept override;
  void take(const ReadPool::Task& task, ReadPool::Result result) noexcept override;
  ReadPool::Piece piece_at(ReadPool::Place place) const noexcept override;

  const Sequence& sequence_;
  const SampleReader* const reader_;  // null if nothing is read ahead
  const StreamLayout& layout_;
  std::vector<BatchJob>& jobs_;
  Owner& owner_;
  std::optional<ReadPool> reads_;
};

}  // namespace headrace
