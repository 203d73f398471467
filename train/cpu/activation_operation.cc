#include "headrace/train/cpu/activation_operation.h"

#include <algorithm>

#include "headrace/train/cpu/activation_functions.h"
#include "headrace/train/cpu/elementwise.h"

namespace headrace::cpu {

void ReluOperation::forward(const Block& block) const {
  relu(at(block, spec_.x), size(block), at(block, spec_.y));
}

void ReluOperation::backward(const Block& block) const {
  copy(at(block, spec_.dy), at(block, spec_.dx), 1, size(block));
  if (backward_here_) relu_backward(at(block, spec_.y), size(block), at(block, spec_.dx));
}

void FunctionOperation::forward(const Block& block) const {
  activate(function_, negative_slope_, size(block), block.data(spec_.x), block.data(spec_.y));
}

void FunctionOperation::backward(const Block& block) const {
  activate_backward(function_, negative_slope_, size(block), block.data(spec_.x),
                    block.data(spec_.y), block.data(spec_.dy), block.data(spec_.dx));
}

void SoftmaxOperation::forward(const Block& block) const {
  softmax(block.data(spec_.x), size(block) / width_, width_, block.data(spec_.y));
}

void SoftmaxOperation::backward(const Block& block) const {
  softmax_backward(size(block) / width_, width_, block.data(spec_.y), block.data(spec_.dy),
                   block.data(spec_.dx));
}

void DropoutOperation::forward(const Block& block) const {
  const float* x = block.data(spec_.x);
  float* y = block.data(spec_.y);
  if (!block.training) {
    std::copy_n(x, size(block), y);
    return;
  }
  float* mask = block.data({mask_});
  for (std::int64_t row = 0; row < block.rows; ++row) {
    dropout_mask(block.dropout, node_, block.global_row + row, rate_,
                 {mask + row * spec_.elements, static_cast<std::size_t>(spec_.elements)});
  }
  product(x, mask, static_cast<std::size_t>(size(block)), y);
}

void DropoutOperation::backward(const Block& block) const {
  product(block.data(spec_.dy), block.data({mask_}), static_cast<std::size_t>(size(block)),
          block.data(spec_.dx));
}

}  // namespace headrace::cpu
