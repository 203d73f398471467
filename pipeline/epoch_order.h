#pragma once

#include <array>
#include <cstddef>
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
// Source: a keyed, alternating Feistel network over the smallest power of two (at least 4) that
// holds [0, size), with cycle walking (Black and Rogaway, "Ciphers with Arbitrary Finite Domains",
// CT-RSA 2002): two turns of it on average at most, wherever size lies between powers of two.
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
  static constexpr std::size_t max_rounds = 12;

  std::int64_t size_;
  int low_bits_ = 0;  // 0: not shuffled
  int high_bits_ = 0;
  std::size_t rounds_ = 0;
  std::array<std::uint64_t, max_rounds> keys_{};
};

}  // namespace headrace
