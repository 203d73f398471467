#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "headrace/pipeline/rng.h"

namespace headrace {

// A bijection of [0, size), computed and not stored: O(1) time and no memory, whatever the size.
// A value type, safe to share between threads.
//
// Source: a keyed, alternating Feistel network over the smallest power of two (at least 4) that
// holds [0, size), with cycle walking (Black and Rogaway, "Ciphers with Arbitrary Finite Domains",
// CT-RSA 2002): two turns of it on average at most, wherever size lies between powers of two.
class KeyedPermutation {
 public:
  KeyedPermutation() = default;  // of nothing
  // Requires size >= 0. Its keys are the next draws of `rng`.
  KeyedPermutation(std::int64_t size, Rng rng);
  // One of many permutations, of any size, that are all keyed by this one. Cheaper than drawing.
  KeyedPermutation derived(std::int64_t size, std::uint64_t number) const;

  // Requires 0 <= value < size.
  std::int64_t at(std::int64_t value) const;
  std::int64_t inverse(std::int64_t value) const;

 private:
  static constexpr std::size_t max_rounds = 12;

  void set_size(std::int64_t size);

  std::uint64_t size_ = 0;
  int low_bits_ = 0;  // 0: nothing to permute
  int high_bits_ = 0;
  std::size_t rounds_ = 0;
  std::array<std::uint64_t, max_rounds> keys_{};
};

}  // namespace headrace
