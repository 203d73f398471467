#pragma once

#include "headrace/train/cpu/operation.h"

namespace headrace::cpu {

// A function of the values of each row on their own: what is not fused into another operation.
struct RowwiseSpec {
  std::int64_t elements = 0;  // of a row
  TensorId x = no_tensor;
  TensorId y = no_tensor;
  TensorId dx = no_tensor;
  TensorId dy = no_tensor;
};

class ReluOperation : public Operation {
 public:
  ReluOperation(const RowwiseSpec& spec, bool backward_here)
      : spec_(spec), backward_here_(backward_here) {}
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override { return {spec_.x, spec_.y}; }
  std::vector<TensorId> backward_tensors() const override { return {spec_.y, spec_.dx, spec_.dy}; }

 private:
  RowwiseSpec spec_;
  bool backward_here_;  // false: whoever makes `dy` has seen to it
};

// Over groups of `width` values.
class SoftmaxOperation : public Operation {
 public:
  SoftmaxOperation(const RowwiseSpec& spec, std::int64_t width) : spec_(spec), width_(width) {}
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override { return {spec_.x, spec_.y}; }
  std::vector<TensorId> backward_tensors() const override { return {spec_.y, spec_.dx, spec_.dy}; }

 private:
  RowwiseSpec spec_;
  std::int64_t width_;
};

class DropoutOperation : public Operation {
 public:
  DropoutOperation(const RowwiseSpec& spec, TensorId mask, std::int32_t node, double rate)
      : spec_(spec), mask_(mask), node_(node), rate_(rate) {}
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override { return {spec_.x, spec_.y, mask_}; }
  std::vector<TensorId> backward_tensors() const override { return {mask_, spec_.dx, spec_.dy}; }

 private:
  RowwiseSpec spec_;
  TensorId mask_;
  std::int32_t node_;
  double rate_;
};

// y = softmax(x) of each of `groups` groups of `width` values; y may be x.
void softmax(const float* x, std::int64_t groups, std::int64_t width, float* y);

}  // namespace headrace::cpu
