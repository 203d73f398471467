#pragma once

#include "headrace/train/gpu/values.h"

// Kernels over single values. Each is a small value with the number of its work items and what is
// done for one, in any order.
namespace headrace::gpu {

// to = from, whatever their types and strides.
template <int lanes>
struct Copy {
  Pieces<lanes> pieces;
  Array from, to;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return pieces.count(); }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const auto place = pieces.place(item);
    store<lanes>(to, place.in(to), load<lanes>(from, place.in(from)));
  }
};

// Groups of another width: cut off, or filled up with zeros; added to what is there if asked for.
struct Refit {
  std::int64_t groups = 0;
  std::uint32_t from_width = 0, to_width = 0;
  Array from, to;
  bool adds = false;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return groups * to_width; }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const std::uint32_t group = item / to_width, i = item % to_width;
    float value = i < from_width ? load_one(from, std::int64_t{group} * from_width + i) : 0.0f;
    if (adds) value += load_one(to, item);
    store_one(to, item, value);
  }
};

// The sum of up to four, with relu if asked for.
template <int lanes>
struct Sum {
  Pieces<lanes> pieces;
  Array from[4];
  Array to;
  bool relu = false;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return pieces.count(); }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const auto place = pieces.place(item);
    auto sum = load<lanes>(from[0], place.in(from[0]));
    for (int k = 1; k < 4; ++k) {
      if (!from[k]) break;
      const auto more = load<lanes>(from[k], place.in(from[k]));
      for (int i = 0; i < lanes; ++i) sum.at[i] += more.at[i];
    }
    for (int i = 0; relu && i < lanes; ++i) sum.at[i] = sum.at[i] > 0.0f ? sum.at[i] : 0.0f;
    store<lanes>(to, place.in(to), sum);
  }
};

// Up to four times the gradient of relu(y), or of y where `y` is null.
template <int lanes>
struct Spread {
  Pieces<lanes> pieces;
  Array y, dy;
  Array dx[4];

  HEADRACE_HOST_DEVICE std::int64_t items() const { return pieces.count(); }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const auto place = pieces.place(item);
    auto slope = load<lanes>(dy, place.in(dy));
    if (y) {
      const auto value = load<lanes>(y, place.in(y));
      for (int i = 0; i < lanes; ++i) slope.at[i] = value.at[i] > 0.0f ? slope.at[i] : 0.0f;
    }
    for (int k = 0; k < 4; ++k) {
      if (dx[k]) store<lanes>(dx[k], place.in(dx[k]), slope);
    }
  }
};

// y = x + bias, with relu if asked for; y may be x.
template <int lanes>
struct AddBias {
  Pieces<lanes> pieces;
  Array x, y;
  const float* bias = nullptr;  // null: zero
  bool relu = false;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return pieces.count(); }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const auto place = pieces.place(item);
    auto value = load<lanes>(x, place.in(x));
    for (int i = 0; i < lanes; ++i) {
      if (bias != nullptr) value.at[i] += bias[place.first + static_cast<std::uint32_t>(i)];
      if (relu && !(value.at[i] > 0.0f)) value.at[i] = 0.0f;
    }
    store<lanes>(y, place.in(y), value);
  }
};

// Images {height, width, channels} within larger ones, of zeros. The other way: their part of it.
struct Border {
  std::int64_t rows = 0;
  std::uint32_t height = 0, width = 0, channels = 0;  // of the inner
  std::uint32_t top = 0, left = 0, outer_height = 0, outer_width = 0;
  Array inner, outer;  // plain
  bool outwards = true;

  HEADRACE_HOST_DEVICE std::int64_t items() const {
    return outwards ? rows * outer_height * outer_width * channels
                    : rows * height * width * channels;
  }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const std::uint32_t high = outwards ? outer_height : height;
    const std::uint32_t wide = outwards ? outer_width : width;
    const std::uint32_t c = item % channels, column = item / channels % wide;
    const std::uint32_t line = item / channels / wide % high;
    const std::int64_t row = item / channels / wide / high;
    if (outwards) {
      // Unsigned: what lies above or left of the inner image is beyond it too.
      const std::uint32_t y = line - top, x = column - left;
      const bool inside = y < height && x < width;
      const std::int64_t from = ((row * height + y) * width + x) * channels + c;
      store_one(outer, item, inside ? load_one(inner, from) : 0.0f);
    } else {
      const std::int64_t from =
          ((row * outer_height + line + top) * outer_width + column + left) * channels + c;
      store_one(inner, item, load_one(outer, from));
    }
  }
};

// {first, second, width} becomes {second, first, width}, in f32.
struct Swap {
  std::int64_t first = 0, second = 0;
  std::uint32_t width = 0;
  const float* from = nullptr;
  float* to = nullptr;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return first * second * width; }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const auto count = static_cast<std::uint32_t>(second);
    const std::uint32_t i = item % width, b = item / width % count;
    const std::int64_t a = item / width / count;
    to[(b * first + a) * width + i] = from[item];
  }
};

}  // namespace headrace::gpu
