#pragma once

#include "headrace/train/gpu/operation.h"

namespace headrace::gpu {

struct ConvolutionSpec {
  DirectShape shape;  // channels as they are multiplied, with padding; rows unset
  std::int32_t after_y = 0, after_x = 0;
  std::uint32_t own_channels = 0;  // of the layer; fewer than shape.channels if these are padded
  bool relu = false;
  bool use_bias = true;              // not before a batch normalisation, which takes it away again
  bool is_shared = false;            // the layer is used several times
  View x, dx, y, dy;                 // of one type; dx none: not asked for
  std::size_t kernel = 0, bias = 0;  // in the arena
  // Places for the kernel with padded channels, and for its gradient before it is added.
  StatePlace padded_kernel = 0, gradient = 0;

  bool is_padded() const { return own_channels != shape.channels; }
  // Each channel on its own: no library is better at it than a plain kernel.
  bool is_depthwise() const { return shape.groups == shape.channels && shape.groups > 1; }
  std::int64_t taps() const {
    return std::int64_t{shape.filters} * shape.window.size_y * shape.window.size_x;
  }
};

class ConvolutionOperation : public Operation {
 public:
  explicit ConvolutionOperation(const ConvolutionSpec& spec) : spec_(spec) {}
  void forward(const Pass& pass) const override;
  void backward(const Pass& pass) const override;

 private:
  DirectShape shape(const Pass& pass) const;
  Convolution convolution(const Pass& pass, ConvolutionKind kind) const;
  const void* kernel(const Pass& pass) const;
  void add_kernel_gradient(const Pass& pass) const;

  ConvolutionSpec spec_;
};

}  // namespace headrace::gpu
