#pragma once

#include "headrace/train/cpu/max_pool_kernels.h"
#include "headrace/train/cpu/operation.h"
#include "headrace/train/layers/window.h"
#include "headrace/train/shape.h"

namespace headrace::cpu {

struct MaxPoolSpec {
  Window window;
  Shape input;
  Shape output;
  // Channels in a block of the input's layout, {channels / block, height, width, block}; all of
  // them if it is plain. The output is plain.
  std::int64_t channel_block = 0;
  bool relu_backward = false;  // the input comes from a relu, whose backward is done here as well
  TensorId x = no_tensor;
  TensorId y = no_tensor;
  TensorId winners = no_tensor;  // bytes: the place in the window each output came from
  TensorId dx = no_tensor;       // in the input's layout
  TensorId dy = no_tensor;
};

class MaxPoolOperation : public Operation {
 public:
  // Throws Error{unsupported} for windows of more than 256 places.
  explicit MaxPoolOperation(const MaxPoolSpec& spec);

  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override {
    return {spec_.x, spec_.y, spec_.winners};
  }
  std::vector<TensorId> backward_tensors() const override {
    return {spec_.y, spec_.winners, spec_.dx, spec_.dy};
  }

 private:
  // Windows whose parts inside the image look alike, in one row of one image.
  struct Run {
    PoolRow row;
    std::int64_t input = 0;   // of the first window, in pixels of the image
    std::int64_t output = 0;  // pixel
  };
  std::vector<Run> find_runs() const;
  // Calls visit(row, place in the input, place in the output) for all windows of a block.
  template <class Visit>
  void for_each_run(std::int64_t rows, Visit visit) const;

  MaxPoolSpec spec_;
  std::vector<Run> runs_;  // of one image and one block of channels
  bool disjoint_;          // no two windows share a pixel
  bool covering_;          // and every pixel is in one
};

}  // namespace headrace::cpu
