#include "headrace/train/cpu/sum_operation.h"

#include "headrace/train/cpu/elementwise.h"

namespace headrace::cpu {

void SumOperation::forward(const Block& block) const {
  const std::int64_t size = block.rows * spec_.elements;
  const Array y = at(block, spec_.y);
  const auto type = [&](std::size_t i) { return spec_.x[i].type; };
  if (spec_.x.size() == 2 && type(0) == y.type && type(1) == y.type) {
    sum(at(block, spec_.x[0]), at(block, spec_.x[1]), size, spec_.relu, y);
    return;
  }
  copy(at(block, spec_.x[0]), y, 1, size);
  for (std::size_t i = 1; i < spec_.x.size(); ++i) accumulate(at(block, spec_.x[i]), y, 1, size);
  if (spec_.relu) relu(y, size, y);
}

void SumOperation::backward(const Block& block) const {
  const std::int64_t size = block.rows * spec_.elements;
  const Array dy = at(block, spec_.dy);
  if (spec_.relu) relu_backward(at(block, spec_.y), size, dy);
  for (const View& dx : spec_.dx) copy(dy, at(block, dx), 1, size);
}

std::vector<TensorId> SumOperation::forward_tensors() const {
  std::vector<TensorId> tensors{spec_.y.tensor};
  for (const View& x : spec_.x) tensors.push_back(x.tensor);
  return tensors;
}

std::vector<TensorId> SumOperation::backward_tensors() const {
  std::vector<TensorId> tensors{spec_.dy.tensor, spec_.relu ? spec_.y.tensor : no_tensor};
  for (const View& dx : spec_.dx) tensors.push_back(dx.tensor);
  return tensors;
}

}  // namespace headrace::cpu
