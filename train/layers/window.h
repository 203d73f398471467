#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "headrace/train/shape.h"

namespace headrace {

// Height and width of something that slides over an image; one number means a square.
struct Extent2 {
  std::int64_t height = 1;
  std::int64_t width = 1;

  Extent2() = default;
  Extent2(std::int64_t both) : height(both), width(both) {}  // implicit: conv2d(x, 32, 3)
  Extent2(std::int64_t high, std::int64_t wide) : height(high), width(wide) {}
  friend bool operator==(const Extent2&, const Extent2&) = default;
};

enum class Padding : std::uint8_t {
  valid,  // none
  same,   // output = ceil(input / stride); of an odd amount the larger part goes at the end
};

std::string_view to_string(Padding padding);
// Throws Error{invalid_argument} unless the name is "valid" or "same".
Padding padding_of(std::string_view name);

// A window sliding over an image, as convolution and pooling have it. Formulas as in TensorFlow.
struct Window {
  Extent2 size;
  Extent2 strides;
  Padding padding = Padding::valid;
  Extent2 dilation = {};  // between two taps; the window then spans (size - 1) * dilation + 1

  // Where the window goes along one axis: output positions, and elements added on both sides.
  struct Axis {
    std::int64_t output = 0;
    std::int64_t before = 0;
    std::int64_t after = 0;
  };
  Axis along_height(std::int64_t input) const;
  Axis along_width(std::int64_t input) const;
  Extent2 span() const;

  // Throws Error{invalid_argument} unless sizes, strides and dilations are between 1 and 2^20, and
  // strides or dilations are 1.
  void check() const;
  // Height, width of the output for an image {height, width, channels}.
  // Throws Error{invalid_argument} if the input is no image or smaller than the window.
  Extent2 output_of(const Shape& input) const;
};

}  // namespace headrace
