#include "headrace/train/cpu/dense_operation.h"

#include "headrace/train/cpu/elementwise.h"
#include "headrace/train/cpu/onednn.h"

namespace headrace::cpu {

void DenseOperation::forward(const Block& block) const {
  const auto rows = static_cast<std::size_t>(block.rows);
  const auto units = static_cast<std::size_t>(spec_.units);
  float* y = block.tensor(spec_.y);
  multiply(block.rows, spec_.units, spec_.inputs, {block.tensor(spec_.x), spec_.inputs},
           {block.parameters + spec_.kernel, spec_.inputs, true}, 0.0f, y);
  if (spec_.use_bias) {
    add_bias(block.parameters + spec_.bias, rows, units, spec_.relu, y);
  } else if (spec_.relu) {
    relu(y, rows * units, y);
  }
}

void DenseOperation::backward(const Block& block) const {
  const auto rows = static_cast<std::size_t>(block.rows);
  const auto units = static_cast<std::size_t>(spec_.units);
  float* dy = block.tensor(spec_.dy);
  if (spec_.relu_backward) relu_backward(block.tensor(spec_.y), rows * units, dy);
  if (spec_.use_bias) add_rows(dy, rows, units, block.gradients + spec_.bias);
  multiply(spec_.units, spec_.inputs, block.rows, {dy, spec_.units, true},
           {block.tensor(spec_.x), spec_.inputs}, 1.0f, block.gradients + spec_.kernel);
  if (spec_.dx == no_tensor) return;
  multiply(block.rows, spec_.inputs, spec_.units, {dy, spec_.units},
           {block.parameters + spec_.kernel, spec_.inputs}, 0.0f, block.tensor(spec_.dx));
}

std::vector<TensorId> DenseOperation::backward_tensors() const {
  return {spec_.x, spec_.dy, spec_.dx, spec_.relu_backward ? spec_.y : no_tensor};
}

}  // namespace headrace::cpu
