#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <vector>

#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/read_pool.h"
#include "headrace/pipeline/shard.h"
#include "headrace/pipeline/slot_pool.h"

namespace headrace {

// Samples or rows [first, first + count).
struct Span {
  std::int64_t first;
  std::int64_t count;
};

// A part of a batch that one thread fills.
struct Chunk {
  std::uint32_t job;    // index of the batch's slot
  std::uint32_t index;  // 0, ..., chunks - 1
};

// A batch on its way (not installed). There is one for each slot, used again with it.
struct BatchJob {
  // How far a chunk has come whose files were not in memory.
  struct Load {
    std::int64_t filled = 0;  // rows that are made
    ReadPool::Result result;
  };

  std::shared_ptr<Slot> slot;
  std::uint64_t ticket = 0;      // its place in the order of delivery
  std::uint64_t generation = 0;  // of the stream; another one after restore()
  Position begin;
  std::int64_t count = 0;  // samples, of all ranks together
  Share share;             // of them, this rank's
  std::int64_t chunks = 0;
  std::vector<Load> loads;  // by chunk; empty if the sequence does not read
  std::chrono::steady_clock::time_point finished;
  std::exception_ptr error;  // of the lowest row that failed
  std::atomic<std::int64_t> failed_row{none_failed};
  // Chunks not yet finished.
  std::atomic<std::int64_t> chunks_left{0};

  static constexpr std::int64_t none_failed = std::numeric_limits<std::int64_t>::max();

  Rows rows() const { return slot->rows(share.rows); }
  // The rows of a chunk. Chunks are of equal size, rather than full ones and a rest.
  Span rows_of(Chunk chunk) const {
    const std::int64_t rows = share.rows / chunks;
    const std::int64_t longer = share.rows % chunks;  // so many of them, by one
    return {rows * chunk.index + std::min<std::int64_t>(chunk.index, longer),
            rows + (chunk.index < longer ? 1 : 0)};
  }
  // The samples, one after the other in their epoch, that belong into some of the rows from
  // `rows.first` on.
  Span samples_of(Span rows) const {
    if (rows.first >= share.samples) return {begin.sample + share.repeated, 1};
    const std::int64_t end = std::min(rows.first + rows.count, share.samples);
    return {begin.sample + share.first + rows.first, end - rows.first};
  }
};

}  // namespace headrace
