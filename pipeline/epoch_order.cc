#include "headrace/pipeline/epoch_order.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <string>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/rng.h"

namespace headrace {
namespace {

// The upper `bits` of a mix of a half and a round's key: two multiplications with a fold between
// them, so that every bit of `half` reaches every bit of the result.
inline std::uint64_t mix(std::uint64_t half, std::uint64_t key, int bits) {
  std::uint64_t x = (half + key) * 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93u;
  return x >> (64 - bits);
}

}  // namespace

EpochOrder::EpochOrder(std::int64_t size, Shuffle shuffle, std::uint64_t seed, std::uint64_t epoch)
    : size_(size) {
  if (size < 0) {
    throw Error(ErrorCode::invalid_argument,
                "an epoch of " + std::to_string(size) + " samples: the size must not be negative");
  }
  if (shuffle == Shuffle::none || size < 2) return;
  const int bits =
      std::max(2, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(size - 1))));
  low_bits_ = bits / 2;
  high_bits_ = bits - low_bits_;
  // Round functions of few bits mix less each.
  rounds_ = bits <= 10 ? max_rounds : max_rounds / 2;
  Rng rng = Rng(seed, epoch).for_operation(stream_id("epoch_order"));
  for (std::uint64_t& key : keys_) key = rng.next_u64();
}

std::int64_t EpochOrder::index_at(std::int64_t position) const {
  assert(position >= 0 && position < size_);
  if (low_bits_ == 0) return position;
  const std::uint64_t mask = (std::uint64_t{1} << low_bits_) - 1;
  auto value = static_cast<std::uint64_t>(position);
  do {
    std::uint64_t low = value & mask;
    std::uint64_t high = value >> low_bits_;
    for (std::size_t round = 0; round < rounds_; round += 2) {
      high ^= mix(low, keys_[round], high_bits_);
      low ^= mix(high, keys_[round + 1], low_bits_);
    }
    value = high << low_bits_ | low;
  } while (value >= static_cast<std::uint64_t>(size_));
  return static_cast<std::int64_t>(value);
}

std::int64_t EpochOrder::position_of(std::int64_t index) const {
  assert(index >= 0 && index < size_);
  if (low_bits_ == 0) return index;
  const std::uint64_t mask = (std::uint64_t{1} << low_bits_) - 1;
  auto value = static_cast<std::uint64_t>(index);
  do {
    std::uint64_t low = value & mask;
    std::uint64_t high = value >> low_bits_;
    for (std::size_t round = rounds_; round > 0; round -= 2) {
      low ^= mix(high, keys_[round - 1], low_bits_);
      high ^= mix(low, keys_[round - 2], high_bits_);
    }
    value = high << low_bits_ | low;
  } while (value >= static_cast<std::uint64_t>(size_));
  return static_cast<std::int64_t>(value);
}

}  // namespace headrace
