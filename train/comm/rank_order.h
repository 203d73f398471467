#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace headrace {

// The sum of as many rows of `count` values as there are ranks, added in the order of ranks, so
// that it has the same bits wherever it is made. Calls store(first, values) for one block after
// the other; rows may be written then.
template <class Store>
void sum_in_rank_order(std::span<const float* const> rows, std::size_t count, Store store) {
  constexpr std::size_t block = 2048;  // floats: stays in the first-level cache
  std::array<float, block> sum;
  for (std::size_t first = 0; first < count; first += block) {
    const std::size_t length = std::min(block, count - first);
    std::copy_n(rows[0] + first, length, sum.begin());
    for (std::size_t rank = 1; rank < rows.size(); ++rank) {
      const float* values = rows[rank] + first;
      for (std::size_t i = 0; i < length; ++i) sum[i] += values[i];
    }
    store(first, std::span<const float>(sum.data(), length));
  }
}

}  // namespace headrace
