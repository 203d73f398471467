#pragma once

#include "headrace/train/cpu/operation.h"

namespace headrace::cpu {

struct DenseSpec {
  std::int64_t inputs = 0;
  std::int64_t units = 0;
  bool use_bias = true;
  bool relu = false;           // after the bias
  bool relu_backward = false;  // false: whoever makes `dy` has seen to it
  TensorId x = no_tensor;
  TensorId y = no_tensor;
  TensorId dx = no_tensor;  // no_tensor: not asked for
  TensorId dy = no_tensor;
  std::size_t kernel =
      0;  // place in the arena, layout {units, inputs}: long rows, however few units
  std::size_t bias = 0;
};

// A fully connected layer, its bias and relu, by oneDNN's matrix product.
class DenseOperation : public Operation {
 public:
  explicit DenseOperation(const DenseSpec& spec) : spec_(spec) {}

  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override { return {spec_.x, spec_.y}; }
  std::vector<TensorId> backward_tensors() const override;

 private:
  DenseSpec spec_;
};

}  // namespace headrace::cpu
