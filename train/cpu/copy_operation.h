#pragma once

#include <vector>

#include "headrace/train/cpu/operation.h"

namespace headrace::cpu {

struct CopySpec {
  std::int64_t elements = 0;  // of a row
  std::int64_t width = 0;     // of a group of adjacent elements in every view
  View from;                  // none: backward only
  View to;
  View from_gradient;  // none: forward only
  std::vector<View> to_gradients;
};

// Copies values between tensors, parts of tensors and types; backward adds gradients up.
class CopyOperation : public Operation {
 public:
  explicit CopyOperation(const CopySpec& spec) : spec_(spec) {}

  const View& from_gradient() const { return spec_.from_gradient; }

  OperationKind kind() const override { return OperationKind::copy; }
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override {
    return {spec_.from.tensor, spec_.to.tensor};
  }
  std::vector<TensorId> backward_tensors() const override;
  std::vector<TensorId> results() const override { return {spec_.to.tensor}; }
  bool is_recomputable() const override { return true; }

 private:
  CopySpec spec_;
};

}  // namespace headrace::cpu
