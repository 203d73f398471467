#pragma once

#include <cstdint>

namespace headrace {

// What ranks do when the samples of a batch are no multiple of their number.
enum class ShardMode : std::uint8_t {
  uneven,  // shares differ by one sample at most, and may be empty
  pad,     // shares have equal rows: one that is a sample short repeats a sample as its last row
  drop,    // shares are equal: the samples at the end of an epoch that do not divide are left out
};

// Which part of every batch is this process's, in training by several processes. A batch is made of
// the same samples whatever the number of ranks, and each rank makes only its share of them; all
// ranks go through the same number of batches. `drop` needs a batch size that is a multiple of
// `world_size`, so that nothing is lost but at the end of an epoch.
struct Shard {
  int rank = 0;
  int world_size = 1;
  ShardMode mode = ShardMode::uneven;
};

// A rank's share of a batch: the samples [first, first + samples) of it.
struct Share {
  std::int64_t first = 0;
  std::int64_t samples = 0;
  // `samples`, or one more under ShardMode::pad: then the last row repeats sample `repeated` of the
  // batch and is to count nothing.
  std::int64_t rows = 0;
  std::int64_t repeated = 0;
};

// Throws Error{invalid_argument} unless 0 <= rank < world_size.
void validate(const Shard& shard);

// How many of a batch's samples the ranks take together: all, or under ShardMode::drop the largest
// multiple of world_size.
std::int64_t shared_samples(std::int64_t samples, const Shard& shard);

// Shares are in the order of ranks, and together the batch's first shared_samples(samples, shard).
// They are those that the replicas of a Trainer take.
// Requires samples >= 0 and a shard that validate() accepts.
Share share_of(std::int64_t samples, const Shard& shard);

}  // namespace headrace
