#pragma once

#include "headrace/train/cpu/operation.h"
#include "headrace/train/cpu/pool_kernels.h"
#include "headrace/train/layers/window.h"
#include "headrace/train/shape.h"

namespace headrace::cpu {

struct PoolSpec {
  Window window;
  Shape input;
  Shape output;
  // Channels in a block of the input's layout, {channels / block, height, width, block}; all of
  // them if it is plain.
  std::int64_t channel_block = 0;
  View x;
  View y;
  View dx;  // in the input's layout; none: not asked for
  View dy;
};

// The windows of an image, in rows of windows whose parts inside it look alike.
class PoolGeometry {
 public:
  explicit PoolGeometry(const PoolSpec& spec);

  bool is_disjoint() const { return disjoint_; }  // no two windows share a pixel
  bool is_covering() const { return covering_; }  // and every pixel is in one
  // Calls visit(row, place of its first window in the input, its first output pixel, channel) for
  // all windows of a block of rows.
  template <class Visit>
  void for_each(std::int64_t rows, Visit visit) const {
    const std::int64_t plane = spec_.input[0] * spec_.input[1] * spec_.channel_block;
    const std::int64_t pixels = spec_.output[0] * spec_.output[1];
    for (std::int64_t image = 0; image < rows; ++image) {
      for (std::int64_t c = 0; c < spec_.output[2]; c += spec_.channel_block) {
        const std::int64_t input = image * spec_.input.elements() + c / spec_.channel_block * plane;
        for (const Run& run : runs_) {
          visit(run.row, input + run.input * spec_.channel_block, image * pixels + run.output, c);
        }
      }
    }
  }

 private:
  struct Run {
    PoolRow row;
    std::int64_t input = 0;   // of the first window, in pixels of the image
    std::int64_t output = 0;  // pixel
  };
  void find_runs();

  PoolSpec spec_;
  std::vector<Run> runs_;  // of one image and one block of channels
  bool disjoint_ = false;
  bool covering_ = false;
};

class MaxPoolOperation : public Operation {
 public:
  // `winners` is a tensor of a byte for each output, for the place in the window it came from.
  // With `relu_backward` the input comes from a relu, whose backward is done here as well.
  // Throws Error{unsupported} for windows of more than 256 places.
  MaxPoolOperation(const PoolSpec& spec, TensorId winners, bool relu_backward);

  OperationKind kind() const override { return OperationKind::pooling; }
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override {
    return {spec_.x.tensor, spec_.y.tensor, winners_};
  }
  std::vector<TensorId> backward_tensors() const override;
  std::vector<TensorId> results() const override { return {spec_.y.tensor, winners_}; }

 private:
  PoolSpec spec_;
  PoolGeometry geometry_;
  TensorId winners_;
  bool relu_backward_;
};

// The mean of each window's part inside the image.
class AveragePoolOperation : public Operation {
 public:
  explicit AveragePoolOperation(const PoolSpec& spec) : spec_(spec), geometry_(spec) {}

  OperationKind kind() const override { return OperationKind::pooling; }
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override {
    return {spec_.x.tensor, spec_.y.tensor};
  }
  std::vector<TensorId> backward_tensors() const override {
    return {spec_.dx.tensor, spec_.dy.tensor};
  }
  std::vector<TensorId> results() const override { return {spec_.y.tensor}; }

 private:
  PoolSpec spec_;
  PoolGeometry geometry_;
};

// The largest value of each channel of the whole image; `winners` is a tensor of an i32 for each,
// the pixel it came from. f32.
class GlobalMaxOperation : public Operation {
 public:
  GlobalMaxOperation(const PoolSpec& spec, TensorId winners) : spec_(spec), winners_(winners) {}

  OperationKind kind() const override { return OperationKind::pooling; }
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override {
    return {spec_.x.tensor, spec_.y.tensor, winners_};
  }
  std::vector<TensorId> backward_tensors() const override {
    return {spec_.dx.tensor, spec_.dy.tensor, winners_};
  }
  std::vector<TensorId> results() const override { return {spec_.y.tensor, winners_}; }

 private:
  PoolSpec spec_;
  TensorId winners_;
};

}  // namespace headrace::cpu
