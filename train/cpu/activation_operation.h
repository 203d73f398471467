#pragma once

#include "headrace/train/cpu/operation.h"
#include "headrace/train/layers/activation.h"

namespace headrace::cpu {

// A function of the values of each row on their own: what is not fused into another operation.
struct RowwiseSpec {
  std::int64_t elements = 0;  // of a row
  View x;                     // all plain; f32 but for relu
  View y;
  View dx;
  View dy;
};

class RowwiseOperation : public Operation {
 public:
  OperationKind kind() const override { return OperationKind::activation; }
  std::vector<TensorId> forward_tensors() const override {
    return {spec_.x.tensor, spec_.y.tensor};
  }
  std::vector<TensorId> backward_tensors() const override {
    return {spec_.x.tensor, spec_.y.tensor, spec_.dx.tensor, spec_.dy.tensor};
  }
  std::vector<TensorId> results() const override { return {spec_.y.tensor}; }

 protected:
  explicit RowwiseOperation(const RowwiseSpec& spec) : spec_(spec) {}
  std::int64_t size(const Block& block) const { return block.rows * spec_.elements; }

  RowwiseSpec spec_;
};

class ReluOperation : public RowwiseOperation {
 public:
  ReluOperation(const RowwiseSpec& spec, bool backward_here)
      : RowwiseOperation(spec), backward_here_(backward_here) {}
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> backward_tensors() const override {
    return {spec_.y.tensor, spec_.dx.tensor, spec_.dy.tensor};
  }
  bool is_recomputable() const override { return true; }

 private:
  bool backward_here_;  // false: whoever makes `dy` has seen to it
};

// Any function of each value.
class FunctionOperation : public RowwiseOperation {
 public:
  FunctionOperation(const RowwiseSpec& spec, ActivationKind function, double negative_slope)
      : RowwiseOperation(spec),
        function_(function),
        negative_slope_(static_cast<float>(negative_slope)) {}
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  bool is_recomputable() const override { return true; }

 private:
  ActivationKind function_;
  float negative_slope_;
};

// Over groups of `width` values.
class SoftmaxOperation : public RowwiseOperation {
 public:
  SoftmaxOperation(const RowwiseSpec& spec, std::int64_t width)
      : RowwiseOperation(spec), width_(width) {}
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> backward_tensors() const override {
    return {spec_.y.tensor, spec_.dx.tensor, spec_.dy.tensor};
  }

 private:
  std::int64_t width_;
};

// `mask` is a tensor of an f32 for each value.
class DropoutOperation : public RowwiseOperation {
 public:
  DropoutOperation(const RowwiseSpec& spec, TensorId mask, std::int32_t node, double rate)
      : RowwiseOperation(spec), mask_(mask), node_(node), rate_(rate) {}
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override {
    return {spec_.x.tensor, spec_.y.tensor, mask_};
  }
  std::vector<TensorId> backward_tensors() const override {
    return {mask_, spec_.dx.tensor, spec_.dy.tensor};
  }
  std::vector<TensorId> results() const override { return {spec_.y.tensor, mask_}; }

 private:
  TensorId mask_;
  std::int32_t node_;
  double rate_;
};

}  // namespace headrace::cpu
