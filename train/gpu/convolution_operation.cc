#include "headrace/train/gpu/convolution_operation.h"

namespace headrace::gpu {

DirectShape ConvolutionOperation::shape(const Pass& pass) const {
  DirectShape shape = spec_.shape;
  shape.window.rows = pass.rows;
  return shape;
}

const void* ConvolutionOperation::kernel(const Pass& pass) const {
  if (spec_.is_padded()) return pass.state + spec_.padded_kernel;
  return pass.kernel(spec_.kernel, spec_.x.type);
}

Convolution ConvolutionOperation::convolution(const Pass& pass, ConvolutionKind kind) const {
  Convolution convolution;
  convolution.kind = kind;
  convolution.shape = shape(pass);
  convolution.after_y = spec_.after_y;
  convolution.after_x = spec_.after_x;
  convolution.type = spec_.x.type;
  convolution.math = pass.math;
  if (kind != ConvolutionKind::kernel_gradient) convolution.kernel = kernel(pass);
  return convolution;
}

void ConvolutionOperation::forward(const Pass& pass) const {
  if (spec_.is_padded()) {
    Refit refit;
    refit.groups = spec_.taps();
    refit.from_width = spec_.own_channels;
    refit.to_width = spec_.shape.channels;
    refit.from = {const_cast<float*>(pass.parameters + spec_.kernel), Type::f32, 0};
    refit.to = {pass.state + spec_.padded_kernel, spec_.x.type, 0};
    pass.engine.run(refit);
  }
  const float* bias = spec_.use_bias ? pass.parameters + spec_.bias : nullptr;
  if (spec_.is_depthwise()) {
    DirectForward direct;
    direct.shape = shape(pass);
    direct.x = pass.array(spec_.x);
    direct.y = pass.array(spec_.y);
    direct.kernel = {const_cast<void*>(kernel(pass)), spec_.x.type, 0};
    direct.bias = bias;
    direct.relu = spec_.relu;
    pass.engine.run(direct);
    return;
  }
  Convolution forward = convolution(pass, ConvolutionKind::forward);
  forward.x = pass.array(spec_.x);
  forward.y = pass.array(spec_.y);
  forward.bias = bias;
  forward.relu = spec_.relu;
  pass.engine.run(forward);
}

void ConvolutionOperation::backward(const Pass& pass) const {
  const DirectShape all = shape(pass);
  const std::int64_t windows = all.window.rows * all.window.windows();
  const Array dy = pass.array(spec_.dy);
  if (spec_.relu) {
    const Array y = pass.array(spec_.y);
    run_lanes<Spread>(pass, windows, all.filters, {y, dy}, [&](auto& kernel) {
      kernel.y = y;
      kernel.dy = dy;
      kernel.dx[0] = dy;
    });
  }
  if (spec_.use_bias) {
    run_lanes<BiasSums>(pass, windows, all.filters, {dy}, [&](auto& kernel) {
      kernel.dy = dy;
      kernel.gradient = pass.gradients + spec_.bias;
    });
  }
  add_kernel_gradient(pass);
  if (!spec_.dx) return;
  if (spec_.is_depthwise()) {
    DirectInputGradient direct;
    direct.shape = all;
    direct.dy = dy;
    direct.kernel = {const_cast<void*>(kernel(pass)), spec_.x.type, 0};
    direct.dx = pass.array(spec_.dx);
    pass.engine.run(direct);
    return;
  }
  Convolution gradient = convolution(pass, ConvolutionKind::input_gradient);
  gradient.y = dy;
  gradient.x = pass.array(spec_.dx);
  pass.engine.run(gradient);
}

void ConvolutionOperation::add_kernel_gradient(const Pass& pass) const {
  const bool aside = spec_.is_padded() || spec_.is_shared;
  float* const target = aside ? pass.state + spec_.gradient : pass.gradients + spec_.kernel;
  Convolution gradient = convolution(pass, ConvolutionKind::kernel_gradient);
  gradient.x = pass.array(spec_.x);
  gradient.y = pass.array(spec_.dy);
  gradient.kernel_gradient = target;
  if (spec_.is_depthwise()) {
    run_taps(gradient, [&](const TapGradient& tap) { pass.engine.run(tap); });
  } else {
    pass.engine.run(gradient);
  }
  if (!aside) return;
  Refit refit;
  refit.groups = spec_.taps();
  refit.from_width = spec_.shape.channels / spec_.shape.groups;
  refit.to_width = spec_.own_channels / spec_.shape.groups;
  refit.from = {target, Type::f32, 0};
  refit.to = {pass.gradients + spec_.kernel, Type::f32, 0};
  refit.adds = true;
  pass.engine.run(refit);
}

}  // namespace headrace::gpu
