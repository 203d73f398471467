#pragma once

#include "headrace/train/cpu/operation.h"

namespace headrace::cpu {

struct LstmSpec {
  std::int64_t times = 0;
  std::int64_t features = 0;
  std::int64_t units = 0;
  bool return_sequences = false;
  bool use_bias = true;
  // All plain f32.
  View x;   // {times, features}
  View dx;  // none: not asked for
  View y;   // {units}, or {times, units}
  View dy;
  View gates;  // {times, 4 units}: kept for backward, which makes their gradients in them
  View cells;  // {times, units}
  View states;
  // Places in the arena, layouts as Keras'.
  std::size_t kernel = 0, recurrent_kernel = 0, bias = 0;
};

// Keras' LSTM by matrix products: of all times at once where a product does not wait for another.
class LstmOperation : public Operation {
 public:
  explicit LstmOperation(const LstmSpec& spec) : spec_(spec) {}

  OperationKind kind() const override { return OperationKind::lstm; }
  Work work() const override;
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::int64_t least_rows() const override { return 32; }
  std::size_t scratch_bytes(std::int64_t rows) const override;
  std::vector<TensorId> forward_tensors() const override {
    return {spec_.x.tensor, spec_.y.tensor, spec_.gates.tensor, spec_.cells.tensor,
            spec_.states.tensor};
  }
  std::vector<TensorId> backward_tensors() const override {
    return {spec_.x.tensor,     spec_.dx.tensor,    spec_.dy.tensor,
            spec_.gates.tensor, spec_.cells.tensor, spec_.states.tensor};
  }
  std::vector<TensorId> results() const override {
    return {spec_.y.tensor, spec_.gates.tensor, spec_.cells.tensor, spec_.states.tensor};
  }

 private:
  LstmSpec spec_;
};

}  // namespace headrace::cpu
