#include "headrace/train/cpu/activation_operation.h"

#include <algorithm>
#include <cmath>

#include "headrace/train/cpu/elementwise.h"

namespace headrace::cpu {
namespace {

std::size_t size(const Block& block, const RowwiseSpec& spec) {
  return static_cast<std::size_t>(block.rows * spec.elements);
}

}  // namespace

void ReluOperation::forward(const Block& block) const {
  relu(block.tensor(spec_.x), size(block, spec_), block.tensor(spec_.y));
}

void ReluOperation::backward(const Block& block) const {
  float* dx = block.tensor(spec_.dx);
  std::copy_n(block.tensor(spec_.dy), size(block, spec_), dx);
  if (backward_here_) relu_backward(block.tensor(spec_.y), size(block, spec_), dx);
}

void softmax(const float* x, std::int64_t groups, std::int64_t width, float* y) {
  for (std::int64_t group = 0; group < groups; ++group, x += width, y += width) {
    const float top = *std::max_element(x, x + width);
    float sum = 0;
    for (std::int64_t i = 0; i < width; ++i) sum += y[i] = std::exp(x[i] - top);
    for (std::int64_t i = 0; i < width; ++i) y[i] /= sum;
  }
}

void SoftmaxOperation::forward(const Block& block) const {
  softmax(block.tensor(spec_.x), block.rows * spec_.elements / width_, width_,
          block.tensor(spec_.y));
}

void SoftmaxOperation::backward(const Block& block) const {
  const float* y = block.tensor(spec_.y);
  const float* dy = block.tensor(spec_.dy);
  float* dx = block.tensor(spec_.dx);
  for (std::int64_t first = 0; first < block.rows * spec_.elements; first += width_) {
    float dot = 0;
    for (std::int64_t i = first; i < first + width_; ++i) dot += y[i] * dy[i];
    for (std::int64_t i = first; i < first + width_; ++i) dx[i] = y[i] * (dy[i] - dot);
  }
}

void DropoutOperation::forward(const Block& block) const {
  const float* x = block.tensor(spec_.x);
  float* y = block.tensor(spec_.y);
  if (!block.training) {
    std::copy_n(x, size(block, spec_), y);
    return;
  }
  float* mask = block.tensor(mask_);
  for (std::int64_t row = 0; row < block.rows; ++row) {
    dropout_mask(block.dropout, node_, block.global_row + row, rate_,
                 {mask + row * spec_.elements, static_cast<std::size_t>(spec_.elements)});
  }
  product(x, mask, size(block, spec_), y);
}

void DropoutOperation::backward(const Block& block) const {
  product(block.tensor(spec_.dy), block.tensor(mask_), size(block, spec_), block.tensor(spec_.dx));
}

}  // namespace headrace::cpu
