#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "headrace/train/layers/activation.h"
#include "headrace/train/layers/average_pooling2d.h"
#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/dense.h"
#include "headrace/train/layers/depthwise_conv2d.h"
#include "headrace/train/layers/global_pooling2d.h"
#include "headrace/train/layers/lstm.h"
#include "headrace/train/layers/max_pooling2d.h"
#include "headrace/train/reference/reference_layers.h"

// What reference_layers.cc chooses from: forward() and backward() of each layer of one input, and
// what they share.
namespace headrace::reference {

inline std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

inline Values zeros(const Use& use, const Shape& shape) {
  return Values(at(use.rows * shape.elements()), 0.0);
}

// Calls visit(output pixel, input pixel, window position) for every place of a window that lies
// inside the image; pixels are counted over all rows.
template <class Visit>
void slide(const Use& use, const Window& window, Visit visit) {
  const Shape &input = use.input(), &output = use.output;
  const std::int64_t top = window.along_height(input[0]).before;
  const std::int64_t left = window.along_width(input[1]).before;
  for (std::int64_t row = 0; row < use.rows; ++row) {
    for (std::int64_t oy = 0; oy < output[0]; ++oy) {
      for (std::int64_t ox = 0; ox < output[1]; ++ox) {
        for (std::int64_t ky = 0; ky < window.size.height; ++ky) {
          for (std::int64_t kx = 0; kx < window.size.width; ++kx) {
            const std::int64_t iy = oy * window.strides.height + ky * window.dilation.height - top;
            const std::int64_t ix = ox * window.strides.width + kx * window.dilation.width - left;
            if (iy < 0 || iy >= input[0] || ix < 0 || ix >= input[1]) continue;
            visit((row * output[0] + oy) * output[1] + ox, (row * input[0] + iy) * input[1] + ix,
                  ky * window.size.width + kx);
          }
        }
      }
    }
  }
}

Values forward(const Use& use, const Activation& layer, const Values& x);
Values backward(const Use& use, const Activation& layer, const Values& x, const Values& y,
                const Values& dy, std::span<Values> gradients);

Values forward(const Use& use, const AveragePooling2D& layer, const Values& x);
Values backward(const Use& use, const AveragePooling2D& layer, const Values& x, const Values& y,
                const Values& dy, std::span<Values> gradients);

Values forward(const Use& use, const Conv2D& layer, const Values& x);
Values backward(const Use& use, const Conv2D& layer, const Values& x, const Values& y,
                const Values& dy, std::span<Values> gradients);

Values forward(const Use& use, const Dense& layer, const Values& x);
Values backward(const Use& use, const Dense& layer, const Values& x, const Values& y,
                const Values& dy, std::span<Values> gradients);

Values forward(const Use& use, const DepthwiseConv2D& layer, const Values& x);
Values backward(const Use& use, const DepthwiseConv2D& layer, const Values& x, const Values& y,
                const Values& dy, std::span<Values> gradients);

Values forward(const Use& use, const GlobalAveragePooling2D& layer, const Values& x);
Values backward(const Use& use, const GlobalAveragePooling2D& layer, const Values& x,
                const Values& y, const Values& dy, std::span<Values> gradients);

Values forward(const Use& use, const GlobalMaxPooling2D& layer, const Values& x);
Values backward(const Use& use, const GlobalMaxPooling2D& layer, const Values& x, const Values& y,
                const Values& dy, std::span<Values> gradients);

Values forward(const Use& use, const LSTM& layer, const Values& x);
Values backward(const Use& use, const LSTM& layer, const Values& x, const Values& y,
                const Values& dy, std::span<Values> gradients);

Values forward(const Use& use, const MaxPooling2D& layer, const Values& x);
Values backward(const Use& use, const MaxPooling2D& layer, const Values& x, const Values& y,
                const Values& dy, std::span<Values> gradients);

}  // namespace headrace::reference
