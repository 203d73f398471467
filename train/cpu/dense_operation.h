#pragma once

#include "headrace/train/cpu/operation.h"

namespace headrace::cpu {

struct DenseSpec {
  std::int64_t groups = 1;  // of a row: vectors that are multiplied
  std::int64_t inputs = 0;
  std::int64_t units = 0;
  bool use_bias = true;
  bool trains_bias = true;       // false: its gradient is zero, whatever comes
  bool relu = false;             // after the bias
  bool relu_backward = false;    // false: whoever makes `dy` has seen to it
  bool from_relu = false;        // x comes from a relu, whose backward is done here as well
  bool writes_gradient = false;  // nobody else makes the kernel's
  View x;                        // all plain f32
  View y;
  View dx;  // none: not asked for
  View dy;
  // Place in the arena, layout {units, inputs}: long rows, however few units.
  std::size_t kernel = 0;
  std::size_t bias = 0;
};

// A fully connected layer, its bias and relu, by oneDNN's matrix product.
class DenseOperation : public Operation {
 public:
  explicit DenseOperation(const DenseSpec& spec) : spec_(spec) {}

  OperationKind kind() const override { return OperationKind::dense; }
  Work work() const override;
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override {
    return {spec_.x.tensor, spec_.y.tensor};
  }
  std::vector<TensorId> results() const override { return {spec_.y.tensor}; }
  std::vector<TensorId> backward_tensors() const override;
  std::vector<Range> written_gradients() const override;

 private:
  DenseSpec spec_;
};

}  // namespace headrace::cpu
