#include "headrace/train/cpu/tensor_table.h"

#include <algorithm>

namespace headrace::cpu {

TensorId TensorTable::add(std::size_t row_bytes) {
  Tensor tensor;
  tensor.row_bytes = row_bytes;
  tensors_.push_back(tensor);
  return static_cast<TensorId>(tensors_.size() - 1);
}

void TensorTable::use(TensorId tensor, int time) {
  if (tensor == no_tensor) return;
  Tensor& used = tensors_[static_cast<std::size_t>(tensor)];
  used.first = used.first < 0 ? time : std::min(used.first, time);
  used.last = std::max(used.last, time);
}

// The largest first, each at the lowest place that is free for all its life.
std::size_t TensorTable::place(std::int64_t rows) {
  std::vector<Tensor*> order;
  for (Tensor& tensor : tensors_) {
    tensor.bytes = (tensor.row_bytes * static_cast<std::size_t>(rows) + 63) / 64 * 64;
    if (tensor.bytes > 0 && tensor.first >= 0) order.push_back(&tensor);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Tensor* a, const Tensor* b) { return a->bytes > b->bytes; });
  std::vector<const Tensor*> placed;  // by offset
  std::size_t total = 0;
  for (Tensor* tensor : order) {
    std::size_t offset = 0;
    for (const Tensor* other : placed) {
      if (!tensor->lives_with(*other)) continue;
      if (other->offset >= offset + tensor->bytes) break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    tensor->offset = offset;
    total = std::max(total, offset + tensor->bytes);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), tensor,
                         [](const Tensor* a, const Tensor* b) { return a->offset < b->offset; }),
        tensor);
  }
  return total;
}

}  // namespace headrace::cpu
