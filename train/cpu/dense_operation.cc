#include "headrace/train/cpu/dense_operation.h"

#include "headrace/train/cpu/elementwise.h"
#include "headrace/train/cpu/onednn.h"

namespace headrace::cpu {

void DenseOperation::forward(const Block& block) const {
  const std::int64_t vectors = block.rows * spec_.groups;
  const auto rows = static_cast<std::size_t>(vectors);
  const auto units = static_cast<std::size_t>(spec_.units);
  float* y = block.data(spec_.y);
  multiply(vectors, spec_.units, spec_.inputs, {block.data(spec_.x), spec_.inputs},
           {block.parameters + spec_.kernel, spec_.inputs, true}, 0.0f, y);
  if (spec_.use_bias) {
    add_bias(block.parameters + spec_.bias, rows, units, spec_.relu, y);
  } else if (spec_.relu) {
    relu(at(block, spec_.y), vectors * spec_.units, at(block, spec_.y));
  }
}

void DenseOperation::backward(const Block& block) const {
  const std::int64_t vectors = block.rows * spec_.groups;
  const auto rows = static_cast<std::size_t>(vectors);
  const auto units = static_cast<std::size_t>(spec_.units);
  float* dy = block.data(spec_.dy);
  if (spec_.relu_backward) {
    relu_backward(at(block, spec_.y), vectors * spec_.units, at(block, spec_.dy));
  }
  if (spec_.use_bias && spec_.trains_bias) add_rows(dy, rows, units, block.gradients + spec_.bias);
  multiply(spec_.units, spec_.inputs, vectors, {dy, spec_.units, true},
           {block.data(spec_.x), spec_.inputs}, 1.0f, block.gradients + spec_.kernel);
  if (!spec_.dx) return;
  multiply(vectors, spec_.inputs, spec_.units, {dy, spec_.units},
           {block.parameters + spec_.kernel, spec_.inputs}, 0.0f, block.data(spec_.dx));
}

std::vector<TensorId> DenseOperation::backward_tensors() const {
  return {spec_.x.tensor, spec_.dy.tensor, spec_.dx.tensor,
          spec_.relu_backward ? spec_.y.tensor : no_tensor};
}

}  // namespace headrace::cpu
