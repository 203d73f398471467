#include "headrace/pipeline/shard.h"

#include <algorithm>
#include <string>

#include "headrace/pipeline/error.h"

namespace headrace {

void validate(const Shard& shard) {
  if (shard.world_size >= 1 && shard.rank >= 0 && shard.rank < shard.world_size) return;
  throw Error(ErrorCode::invalid_argument,
              "rank " + std::to_string(shard.rank) + " of " + std::to_string(shard.world_size) +
                  ": there must be at least one rank, and they are numbered from 0");
}

std::int64_t shared_samples(std::int64_t samples, const Shard& shard) {
  return shard.mode == ShardMode::drop ? samples - samples % shard.world_size : samples;
}

Share share_of(std::int64_t samples, const Shard& shard) {
  const std::int64_t shared = shared_samples(samples, shard);
  const std::int64_t even = shared / shard.world_size;
  const std::int64_t rest = shared % shard.world_size;
  // Where share `rank` begins: rank * shared / world_size, without its overflow.
  const auto begin = [&](std::int64_t rank) {
    return even * rank + rest * rank / shard.world_size;
  };
  Share share;
  share.first = begin(shard.rank);
  share.samples = begin(shard.rank + 1) - share.first;
  share.rows = shard.mode == ShardMode::pad && rest != 0 ? even + 1 : share.samples;
  // The sample before the missing one: of this share, unless that is empty.
  share.repeated = std::max<std::int64_t>(share.first + share.samples - 1, 0);
  return share;
}

}  // namespace headrace
