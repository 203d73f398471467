#include "headrace/pipeline/keyed_permutation.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace headrace {
namespace {

// The upper `bits` of a mix of a half and a round's key: two multiplications with a fold between
// them, so that every bit of `half` reaches every bit of the result.
inline std::uint64_t mix(std::uint64_t half, std::uint64_t key, int bits) {
  std::uint64_t x = (half + key) * 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93u;
  return x >> (64 - bits);
}

// The finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
// generators", OOPSLA 2014).
inline std::uint64_t scramble(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace

KeyedPermutation::KeyedPermutation(std::int64_t size, Rng rng) {
  set_size(size);
  for (std::uint64_t& key : keys_) key = rng.next_u64();
}

KeyedPermutation KeyedPermutation::derived(std::int64_t size, std::uint64_t number) const {
  KeyedPermutation permutation;
  permutation.set_size(size);
  const std::uint64_t step = scramble(number + 1);
  for (std::size_t i = 0; i < permutation.rounds_; ++i) {
    permutation.keys_[i] = scramble(keys_[i] + step);
  }
  return permutation;
}

void KeyedPermutation::set_size(std::int64_t size) {
  assert(size >= 0);
  size_ = static_cast<std::uint64_t>(size);
  if (size_ < 2) return;
  const int bits = std::max(2, static_cast<int>(std::bit_width(size_ - 1)));
  low_bits_ = bits / 2;
  high_bits_ = bits - low_bits_;
  // Round functions of few bits mix less each.
  rounds_ = bits <= 10 ? max_rounds : max_rounds / 2;
}

std::int64_t KeyedPermutation::at(std::int64_t from) const {
  auto value = static_cast<std::uint64_t>(from);
  assert(value < size_);
  if (low_bits_ == 0) return from;
  const std::uint64_t mask = (std::uint64_t{1} << low_bits_) - 1;
  do {
    std::uint64_t low = value & mask;
    std::uint64_t high = value >> low_bits_;
    for (std::size_t round = 0; round < rounds_; round += 2) {
      high ^= mix(low, keys_[round], high_bits_);
      low ^= mix(high, keys_[round + 1], low_bits_);
    }
    value = high << low_bits_ | low;
  } while (value >= size_);
  return static_cast<std::int64_t>(value);
}

std::int64_t KeyedPermutation::inverse(std::int64_t from) const {
  auto value = static_cast<std::uint64_t>(from);
  assert(value < size_);
  if (low_bits_ == 0) return from;
  const std::uint64_t mask = (std::uint64_t{1} << low_bits_) - 1;
  do {
    std::uint64_t low = value & mask;
    std::uint64_t high = value >> low_bits_;
    for (std::size_t round = rounds_; round > 0; round -= 2) {
      low ^= mix(high, keys_[round - 1], low_bits_);
      high ^= mix(low, keys_[round - 2], high_bits_);
    }
    value = high << low_bits_ | low;
  } while (value >= size_);
  return static_cast<std::int64_t>(value);
}

}  // namespace headrace
