#pragma once

#include "headrace/train/gpu/kernels/windows.h"

// Convolutions by their definition: for each channel on its own, and for what no library has an
// engine for. Kernels lie as {filters, height, width, channels / groups}.
namespace headrace::gpu {

struct DirectShape {
  WindowShape window;
  std::uint32_t channels = 0, filters = 0, groups = 1;

  HEADRACE_HOST_DEVICE std::uint32_t group_channels() const { return channels / groups; }
  HEADRACE_HOST_DEVICE std::uint32_t group_filters() const { return filters / groups; }
  HEADRACE_HOST_DEVICE std::int64_t tap(std::uint32_t filter, std::int32_t ty,
                                        std::int32_t tx) const {
    return ((std::int64_t{filter} * window.size_y + ty) * window.size_x + tx) * group_channels();
  }
};

struct DirectForward {
  DirectShape shape;
  Array x, kernel, y;
  const float* bias = nullptr;  // null: zero
  bool relu = false;

  HEADRACE_HOST_DEVICE std::int64_t items() const {
    return shape.window.rows * shape.window.windows() * shape.filters;
  }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const WindowShape& w = shape.window;
    const ImagePlace at(item, shape.filters, w.out_height, w.out_width);
    const std::uint32_t count = shape.group_channels();
    const std::uint32_t first = at.channel / shape.group_filters() * count;
    float sum = bias != nullptr ? bias[at.channel] : 0.0f;
    for (std::int32_t ty = 0; ty < w.size_y; ++ty) {
      for (std::int32_t tx = 0; tx < w.size_x; ++tx) {
        const std::int64_t pixel = w.pixel(at.y, at.x, ty, tx);
        if (pixel < 0) continue;
        const std::int64_t from = (at.row * w.pixels() + pixel) * x.stride + first;
        const std::int64_t tap = shape.tap(at.channel, ty, tx);
        for (std::uint32_t c = 0; c < count; ++c)
          sum += load_one(x, from + c) * load_one(kernel, tap + c);
      }
    }
    if (relu && !(sum > 0.0f)) sum = 0.0f;
    const std::int64_t place = at.row * w.windows() + std::int64_t{at.y} * w.out_width + at.x;
    store_one(y, place * y.stride + at.channel, sum);
  }
};

struct DirectInputGradient {
  DirectShape shape;
  Array dy, kernel, dx;

  HEADRACE_HOST_DEVICE std::int64_t items() const {
    return shape.window.rows * shape.window.pixels() * shape.channels;
  }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const WindowShape& w = shape.window;
    const ImagePlace at(item, shape.channels, w.height, w.width);
    const std::uint32_t group = at.channel / shape.group_channels();
    const std::uint32_t c = at.channel % shape.group_channels();
    const std::uint32_t first = group * shape.group_filters();
    float sum = 0;
    for (std::int32_t ty = 0; ty < w.size_y; ++ty) {
      for (std::int32_t tx = 0; tx < w.size_x; ++tx) {
        const std::int64_t window = w.window(at.y, at.x, ty, tx);
        if (window < 0) continue;
        const std::int64_t from = (at.row * w.windows() + window) * dy.stride;
        for (std::uint32_t k = first; k < first + shape.group_filters(); ++k) {
          sum += load_one(dy, from + k) * load_one(kernel, shape.tap(k, ty, tx) + c);
        }
      }
    }
    const std::int64_t pixel = at.row * w.pixels() + std::int64_t{at.y} * w.width + at.x;
    store_one(dx, pixel * dx.stride + at.channel, sum);
  }
};

// One value of each filter's kernel: tap (ty, tx), channel `channel` of the filter's group. Sums
// for each filter over all windows, of the shape that normalization.h describes.
struct TapGradient {
  Pieces<1> pieces;  // rows x windows groups of `filters`
  DirectShape shape;
  Array x, dy;
  std::int32_t tap_y = 0, tap_x = 0;
  std::uint32_t channel = 0;
  float* gradient = nullptr;  // of the kernel; written

  HEADRACE_HOST_DEVICE void operator()(std::int64_t group, std::uint32_t filter, Values<1>& sum,
                                       Values<1>&) const {
    const WindowShape& w = shape.window;
    const std::int64_t row = group / w.windows();
    const auto window = static_cast<std::int32_t>(group % w.windows());
    const std::int64_t pixel = w.pixel(window / w.out_width, window % w.out_width, tap_y, tap_x);
    if (pixel < 0) return;
    const std::uint32_t c = filter / shape.group_filters() * shape.group_channels() + channel;
    sum.at[0] += load_one(dy, group * dy.stride + filter) *
                 load_one(x, (row * w.pixels() + pixel) * x.stride + c);
  }
  HEADRACE_HOST_DEVICE void finish(std::uint32_t filter, double sum, double) const {
    gradient[shape.tap(filter, tap_y, tap_x) + channel] = static_cast<float>(sum);
  }
};

}  // namespace headrace::gpu
