#pragma once

#include <array>
#include <cstdint>

namespace headrace {

// How the samples of an epoch are ordered.
enum class Shuffle : std::uint8_t {
  none,  // position = index
  full,  // every epoch another permutation of all samples
};

// The order of one epoch: a bijection of [0, size), computed and not stored. Position -> index in
// O(1) time and no memory, whatever the size. A value type, safe to share between threads.
//
// Source: a keyed Feistel network over the smallest domain of even bit count that holds [0, size),
// with cycle walking (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002).
class EpochOrder {
 public:
  // Requires size >= 0. Throws Error{invalid_argument} otherwise.
  EpochOrder(std::int64_t size, Shuffle shuffle, std::uint64_t seed, std::uint64_t epoch);

  std::int64_t size() const { return size_; }
  // Requires 0 <= position < size().
  std::int64_t index_at(std::int64_t position) const;
  // The inverse: where in the epoch sample `index` comes.
  std::int64_t position_of(std::int64_t index) const;

 private:
  static constexpr int rounds = 6;

  std::int64_t size_;
  int half_bits_ = 0;  // 0: not shuffled
  std::array<std::uint64_t, rounds> keys_{};
};

}  // namespace headrace
