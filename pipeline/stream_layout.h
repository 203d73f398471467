#pragma once

#include <cstdint>

#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/read_pool.h"

namespace headrace {

// How a loader's stream is cut into batches, and a rank's share of those into chunks (not
// installed). Nothing but arithmetic on positions; immutable.
class StreamLayout {
 public:
  // Requires options that usable_options() gave for this sequence.
  StreamLayout(const LoaderOptions& options, const Sequence& sequence);

  // Of any rank's share of a batch; at least one, for there are no slots without rows.
  std::int64_t most_rows() const { return most_rows_; }
  std::int64_t chunks_of(std::int64_t rows) const { return (rows + grain_ - 1) / grain_; }

  bool is_over(Position at) const { return epochs_ && at.epoch >= *epochs_; }
  // Samples of the batch at `at`, of all ranks; 0 at an epoch's end.
  std::int64_t batch_samples(Position at) const;
  // Where the batch begins that comes at `at`: there, or at the next epoch's start.
  Position batch_from(Position at) const;
  Share share_of_batch(std::int64_t samples) const { return share_of(samples, shard_); }
  // The samples of this rank that come at `place`, or next, and can be announced together.
  ReadPool::Piece piece_at(ReadPool::Place place) const;

  // Throws Error{invalid_argument} if the stream cannot start there.
  void check(Position position) const;

 private:
  const std::int64_t size_;
  const std::int64_t batch_size_;
  const bool drop_last_;
  const Shard shard_;
  const std::optional<std::uint64_t> epochs_;
  const std::int64_t most_rows_;
  const std::int64_t grain_;
};

// The options with what they leave open decided: the pool, and the number of threads.
// Throws Error{invalid_argument} if they make no sense, for this sequence, or it is null or empty.
LoaderOptions usable_options(LoaderOptions options, const Sequence* sequence);

// How many threads of a pool `threads` means, 0 being all of them.
// Throws Error{invalid_argument} if it is out of range.
int usable_threads(int threads, const ComputePool& pool);

}  // namespace headrace
