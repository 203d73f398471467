// Conv2D and DepthwiseConv2D.
#include "headrace/train/reference/reference_kernels.h"

namespace headrace::reference {
namespace {

// Calls visit(output element, input element, kernel element) for every product of a convolution
// with groups: each filter reads the channels of its group.
template <class Visit>
void each_product(const Use& use, const Conv2D& layer, Visit visit) {
  const std::int64_t filters = layer.filters(), channels = use.input()[2];
  const std::int64_t depth = channels / layer.groups(), width = filters / layer.groups();
  slide(use, layer.window(), [&](std::int64_t out, std::int64_t in, std::int64_t tap) {
    for (std::int64_t f = 0; f < filters; ++f) {
      for (std::int64_t c = 0; c < depth; ++c) {
        visit(at(out * filters + f), at(in * channels + f / width * depth + c),
              at((tap * depth + c) * filters + f));
      }
    }
  });
}

template <class Visit>
void each_product(const Use& use, const DepthwiseConv2D& layer, Visit visit) {
  const std::int64_t channels = use.input()[2], multiples = layer.depth_multiplier();
  slide(use, layer.window(), [&](std::int64_t out, std::int64_t in, std::int64_t tap) {
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t m = 0; m < multiples; ++m) {
        visit(at((out * channels + c) * multiples + m), at(in * channels + c),
              at((tap * channels + c) * multiples + m));
      }
    }
  });
}

template <class Kind>
Values convolve(const Use& use, const Kind& layer, const Values& x) {
  Values y = zeros(use, use.output);
  const Values& kernel = use.parameters[0];
  each_product(use, layer, [&](std::size_t out, std::size_t in, std::size_t weight) {
    y[out] += x[in] * kernel[weight];
  });
  if (layer.use_bias()) {
    const Values& bias = use.parameters[1];
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += bias[i % bias.size()];
  }
  return y;
}

template <class Kind>
Values convolve_backward(const Use& use, const Kind& layer, const Values& x, const Values& dy,
                         std::span<Values> gradients) {
  Values dx = zeros(use, use.input());
  const Values& kernel = use.parameters[0];
  each_product(use, layer, [&](std::size_t out, std::size_t in, std::size_t weight) {
    gradients[0][weight] += dy[out] * x[in];
    dx[in] += dy[out] * kernel[weight];
  });
  if (layer.use_bias()) {
    for (std::size_t i = 0; i < dy.size(); ++i) gradients[1][i % gradients[1].size()] += dy[i];
  }
  return dx;
}

}  // namespace

Values forward(const Use& use, const Conv2D& layer, const Values& x) {
  return convolve(use, layer, x);
}

Values backward(const Use& use, const Conv2D& layer, const Values& x, const Values&,
                const Values& dy, std::span<Values> gradients) {
  return convolve_backward(use, layer, x, dy, gradients);
}

Values forward(const Use& use, const DepthwiseConv2D& layer, const Values& x) {
  return convolve(use, layer, x);
}

Values backward(const Use& use, const DepthwiseConv2D& layer, const Values& x, const Values&,
                const Values& dy, std::span<Values> gradients) {
  return convolve_backward(use, layer, x, dy, gradients);
}

}  // namespace headrace::reference
