#pragma once

#include "headrace/train/gpu/kernels/windows.h"

namespace headrace::gpu {

// The largest value of each window, and which tap has it: the first of equal ones.
struct MaxPool {
  WindowShape shape;
  std::uint32_t channels = 0;
  Array x, y;
  std::int32_t* winners = nullptr;  // of each output value; null: nobody needs them

  HEADRACE_HOST_DEVICE std::int64_t items() const {
    return shape.rows * shape.windows() * channels;
  }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const ImagePlace at(item, channels, shape.out_height, shape.out_width);
    float best = 0;
    std::int32_t winner = -1;
    for (std::int32_t ty = 0; ty < shape.size_y; ++ty) {
      for (std::int32_t tx = 0; tx < shape.size_x; ++tx) {
        const std::int64_t pixel = shape.pixel(at.y, at.x, ty, tx);
        if (pixel < 0) continue;
        const float value = load_one(x, (at.row * shape.pixels() + pixel) * x.stride + at.channel);
        if (winner >= 0 && !(value > best) && value == value) continue;
        best = value;
        winner = ty * shape.size_x + tx;
      }
    }
    const std::int64_t window =
        at.row * shape.windows() + std::int64_t{at.y} * shape.out_width + at.x;
    store_one(y, window * y.stride + at.channel, best);
    if (winners != nullptr) winners[item] = winner;
  }
};

struct MaxPoolBackward {
  WindowShape shape;
  std::uint32_t channels = 0;
  Array dy, dx;
  const std::int32_t* winners = nullptr;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return shape.rows * shape.pixels() * channels; }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const ImagePlace at(item, channels, shape.height, shape.width);
    float sum = 0;
    for (std::int32_t ty = 0; ty < shape.size_y; ++ty) {
      for (std::int32_t tx = 0; tx < shape.size_x; ++tx) {
        const std::int64_t window = shape.window(at.y, at.x, ty, tx);
        if (window < 0) continue;
        const std::int64_t place = at.row * shape.windows() + window;
        if (winners[place * channels + at.channel] != ty * shape.size_x + tx) continue;
        sum += load_one(dy, place * dy.stride + at.channel);
      }
    }
    const std::int64_t pixel = at.row * shape.pixels() + std::int64_t{at.y} * shape.width + at.x;
    store_one(dx, pixel * dx.stride + at.channel, sum);
  }
};

// The mean of each window, over those of its places that lie in the image.
struct AveragePool {
  WindowShape shape;
  std::uint32_t channels = 0;
  Array x, y;

  HEADRACE_HOST_DEVICE std::int64_t items() const {
    return shape.rows * shape.windows() * channels;
  }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const ImagePlace at(item, channels, shape.out_height, shape.out_width);
    float sum = 0, count = 0;
    for (std::int32_t ty = 0; ty < shape.size_y; ++ty) {
      for (std::int32_t tx = 0; tx < shape.size_x; ++tx) {
        const std::int64_t pixel = shape.pixel(at.y, at.x, ty, tx);
        if (pixel < 0) continue;
        sum += load_one(x, (at.row * shape.pixels() + pixel) * x.stride + at.channel);
        count += 1;
      }
    }
    const std::int64_t window =
        at.row * shape.windows() + std::int64_t{at.y} * shape.out_width + at.x;
    store_one(y, window * y.stride + at.channel, sum / count);
  }
};

struct AveragePoolBackward {
  WindowShape shape;
  std::uint32_t channels = 0;
  Array dy, dx;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return shape.rows * shape.pixels() * channels; }
  // How many places of a window lie in the image, along one axis.
  HEADRACE_HOST_DEVICE static float inside(std::int32_t window, std::int32_t stride,
                                           std::int32_t before, std::int32_t size,
                                           std::int32_t extent) {
    const std::int32_t first = window * stride - before, last = first + size;
    return static_cast<float>((last < extent ? last : extent) - (first > 0 ? first : 0));
  }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const ImagePlace at(item, channels, shape.height, shape.width);
    float sum = 0;
    for (std::int32_t ty = 0; ty < shape.size_y; ++ty) {
      for (std::int32_t tx = 0; tx < shape.size_x; ++tx) {
        const std::int64_t window = shape.window(at.y, at.x, ty, tx);
        if (window < 0) continue;
        const float high = inside(static_cast<std::int32_t>(window / shape.out_width),
                                  shape.stride_y, shape.before_y, shape.size_y, shape.height);
        const float wide = inside(static_cast<std::int32_t>(window % shape.out_width),
                                  shape.stride_x, shape.before_x, shape.size_x, shape.width);
        const std::int64_t place = at.row * shape.windows() + window;
        sum += load_one(dy, place * dy.stride + at.channel) / (high * wide);
      }
    }
    const std::int64_t pixel = at.row * shape.pixels() + std::int64_t{at.y} * shape.width + at.x;
    store_one(dx, pixel * dx.stride + at.channel, sum);
  }
};

}  // namespace headrace::gpu
