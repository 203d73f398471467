#pragma once

#include <cstdint>
#include <span>

namespace headrace {

// Which values dropout keeps in one step of training.
struct DropoutStep {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
};

// Writes 1 / (1 - rate) for each element of a sample that is kept, 0 for each that is dropped.
// `node` is the graph's number of the use of the layer; `row` that of the sample in the global
// batch. Element e is dropped if word e % 4 of Philox block e / 4 is below rate * 2^32: the counter
// is (block, node, row), the key comes from (seed, step) through another Philox block.
void dropout_mask(DropoutStep at, std::int32_t node, std::int64_t row, double rate,
                  std::span<float> mask);

}  // namespace headrace
