#pragma once

#include "headrace/train/gpu/values.h"

// Windows that slide over images {height, width, channels}: pooling, and convolution by its
// definition, for what no library has an engine for. Work items are values of what is made, so that
// nothing is added up by several at once.
namespace headrace::gpu {

struct WindowShape {
  std::int64_t rows = 0;
  std::int32_t height = 0, width = 0;          // of the input
  std::int32_t out_height = 0, out_width = 0;  // of the output
  std::int32_t size_y = 1, size_x = 1;
  std::int32_t stride_y = 1, stride_x = 1;
  std::int32_t before_y = 0, before_x = 0;  // elements of padding
  std::int32_t dilation_y = 1, dilation_x = 1;

  // The pixel under tap (ty, tx) of the window at (oy, ox); -1: beyond the image.
  HEADRACE_HOST_DEVICE std::int64_t pixel(std::int32_t oy, std::int32_t ox, std::int32_t ty,
                                          std::int32_t tx) const {
    const std::int32_t y = oy * stride_y - before_y + ty * dilation_y;
    const std::int32_t x = ox * stride_x - before_x + tx * dilation_x;
    const bool inside = y >= 0 && y < height && x >= 0 && x < width;
    return inside ? std::int64_t{y} * width + x : -1;
  }
  // The window whose tap (ty, tx) lies on pixel (y, x); -1: there is none.
  HEADRACE_HOST_DEVICE std::int64_t window(std::int32_t y, std::int32_t x, std::int32_t ty,
                                           std::int32_t tx) const {
    const std::int32_t oy = y + before_y - ty * dilation_y;
    const std::int32_t ox = x + before_x - tx * dilation_x;
    if (oy < 0 || ox < 0 || oy % stride_y != 0 || ox % stride_x != 0) return -1;
    if (oy / stride_y >= out_height || ox / stride_x >= out_width) return -1;
    return std::int64_t{oy / stride_y} * out_width + ox / stride_x;
  }
  HEADRACE_HOST_DEVICE std::int64_t pixels() const { return std::int64_t{height} * width; }
  HEADRACE_HOST_DEVICE std::int64_t windows() const { return std::int64_t{out_height} * out_width; }
};

// Item numbers as (row, y, x, channel).
struct ImagePlace {
  std::int64_t row;
  std::int32_t y, x;
  std::uint32_t channel;
  HEADRACE_HOST_DEVICE ImagePlace(std::uint32_t item, std::uint32_t channels, std::int32_t height,
                                  std::int32_t width)
      : channel(item % channels) {
    const std::uint32_t pixel = item / channels;
    x = static_cast<std::int32_t>(pixel % static_cast<std::uint32_t>(width));
    const std::uint32_t line = pixel / static_cast<std::uint32_t>(width);
    y = static_cast<std::int32_t>(line % static_cast<std::uint32_t>(height));
    row = line / static_cast<std::uint32_t>(height);
  }
};

}  // namespace headrace::gpu
