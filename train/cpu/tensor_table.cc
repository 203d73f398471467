#include "headrace/train/cpu/tensor_table.h"

#include <algorithm>

namespace headrace::cpu {

// The largest first, each at the lowest place that is free for all its life.
std::size_t place(std::vector<Lifetime>& lifetimes) {
  std::vector<Lifetime*> order;
  for (Lifetime& one : lifetimes) {
    one.bytes = (one.bytes + 63) / 64 * 64;
    order.push_back(&one);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Lifetime* a, const Lifetime* b) { return a->bytes > b->bytes; });
  std::vector<const Lifetime*> placed;  // by offset
  std::size_t total = 0;
  for (Lifetime* one : order) {
    std::size_t offset = 0;
    for (const Lifetime* other : placed) {
      if (one->first > other->last || other->first > one->last) continue;
      if (other->offset >= offset + one->bytes) break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    one->offset = offset;
    total = std::max(total, offset + one->bytes);
    placed.insert(std::upper_bound(
                      placed.begin(), placed.end(), one,
                      [](const Lifetime* a, const Lifetime* b) { return a->offset < b->offset; }),
                  one);
  }
  return total;
}

}  // namespace headrace::cpu
