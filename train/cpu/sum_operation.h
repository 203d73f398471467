#pragma once

#include <vector>

#include "headrace/train/cpu/operation.h"

namespace headrace::cpu {

struct SumSpec {
  std::int64_t elements = 0;  // of a row
  bool relu = false;          // after the sum
  std::vector<View> x;        // all views plain
  std::vector<View> dx;       // of those that ask for it
  View y;
  View dy;
};

class SumOperation : public Operation {
 public:
  explicit SumOperation(const SumSpec& spec) : spec_(spec) {}

  OperationKind kind() const override { return OperationKind::sum; }
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override;
  std::vector<TensorId> backward_tensors() const override;
  std::vector<TensorId> results() const override { return {spec_.y.tensor}; }

 private:
  SumSpec spec_;
};

}  // namespace headrace::cpu
