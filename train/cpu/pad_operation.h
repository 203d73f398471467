#pragma once

#include "headrace/train/cpu/operation.h"
#include "headrace/train/layers/zero_padding2d.h"
#include "headrace/train/shape.h"

namespace headrace::cpu {

// Zeros around images; x and y plain, of the same type.
class PadOperation : public Operation {
 public:
  struct Spec {
    ZeroPadding2D::Border border;
    Shape input;
    Shape output;
    View x;
    View y;
    View dx;
    View dy;
  };
  explicit PadOperation(const Spec& spec) : spec_(spec) {}

  OperationKind kind() const override { return OperationKind::padding; }
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override {
    return {spec_.x.tensor, spec_.y.tensor};
  }
  std::vector<TensorId> backward_tensors() const override {
    return {spec_.dx.tensor, spec_.dy.tensor};
  }
  std::vector<TensorId> results() const override { return {spec_.y.tensor}; }
  bool is_recomputable() const override { return true; }

 private:
  // Calls visit(small, large, bytes) for each line of the images, where it lies without and with
  // the border.
  template <class Visit>
  void for_each_line(const Block& block, const View& small, const View& large, Visit visit) const;

  Spec spec_;
};

}  // namespace headrace::cpu
