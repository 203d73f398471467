#pragma once

#include <map>
#include <memory>
#include <optional>

#include "headrace/train/cpu/aligned_buffer.h"
#include "headrace/train/cpu/operation.h"
#include "headrace/train/layers/window.h"
#include "headrace/train/shape.h"

namespace headrace::cpu {

// A batch normalisation by moving statistics, which the weights of the convolution before it can
// take in.
struct FoldedNorm {
  double epsilon = 0;
  bool scale = true;  // has gamma
  bool center = true;
  // Places among the parameters.
  std::size_t gamma = 0, beta = 0, moving_mean = 0, moving_variance = 0;
};

struct ConvSpec {
  Extent2 kernel_size;
  Extent2 strides;
  Extent2 dilation;
  Extent2 before;  // zeros around the image
  Extent2 after;
  std::int64_t groups = 1;
  bool use_bias = true;
  bool trains_bias = true;  // false: its gradient is zero, whatever comes
  Shape input;
  Shape output;
  bool relu = false;           // after the bias
  bool relu_backward = false;  // false: whoever makes `dy` has seen to it
  bool training = true;
  View x;  // all plain, x and y of the same type
  View y;
  View dx;  // none: not asked for
  View dy;
  std::size_t kernel = 0;  // place in the arena, {height, width, channels / groups, filters}
  std::size_t bias = 0;
  std::optional<FoldedNorm> norm;  // before relu; not in training
};

// Convolution, bias and relu by oneDNN. Images are {height, width, channels}; the output may be in
// oneDNN's blocks of channels instead, where whoever reads it can.
class ConvOperation : public Operation {
 public:
  explicit ConvOperation(const ConvSpec& spec);
  ~ConvOperation() override;

  // Whether oneDNN has nothing but its reference code for it.
  static bool is_slow(const ConvSpec& spec);
  // Lets oneDNN choose the output's layout. Returns the channels in a block: the output is then
  // {filters / block, height, width, block}. Called before the first compile().
  std::int64_t choose_channel_block(std::int64_t rows);

  OperationKind kind() const override { return OperationKind::convolution; }
  Work work() const override;
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  void compile(std::int64_t rows) override;
  void prepare(const float* parameters) override;
  std::size_t scratch_bytes(std::int64_t rows) const override;
  std::size_t memory_bytes() const override;
  std::vector<TensorId> forward_tensors() const override {
    return {spec_.x.tensor, spec_.y.tensor};
  }
  std::vector<TensorId> results() const override { return {spec_.y.tensor}; }
  std::vector<TensorId> backward_tensors() const override;

 private:
  struct Compiled;  // oneDNN's primitives for one number of rows
  bool adds_bias() const { return spec_.use_bias || spec_.norm; }
  void fold(const float* parameters);
  const Compiled& of(std::int64_t rows) const { return *compiled_.at(rows); }

  ConvSpec spec_;
  std::int64_t channel_block_;
  AlignedBuffer<float> folded_kernel_, folded_bias_;  // of a convolution with a norm
  std::map<std::int64_t, std::unique_ptr<Compiled>> compiled_;
};

}  // namespace headrace::cpu
