#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>

#include "headrace/augment/axis.h"
#include "headrace/augment/continuation.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/augment/painter.h"

namespace headrace {

struct Point {
  float x;
  float y;
};

// Moves a canvas's pixels: each output is taken, by linear interpolation, from where
// motion.source_of(column, row) says, pixel i lying at i; outside, the plan's fill mode holds.
// `nearest` takes the pixel there instead.
template <class T, class Motion>
void warp(const Canvas<T>& canvas, const Motion& motion, bool nearest = false) {
  constexpr int bits = fixed::coordinate_bits;
  const auto [height, width, channel_count] = canvas.shape;
  const FillMode fill = canvas.plan.fill_mode;
  const FillMode taps_fill = fill_of_taps(fill);
  const std::size_t channels = canvas.channels();
  const std::size_t pitch = static_cast<std::size_t>(width) * channels;
  T* before = canvas.spare_canvas();
  std::copy_n(canvas.data, canvas.elements(), before);
  const auto to_fixed = [](float value) {
    constexpr float limit = 1 << 20;
    return static_cast<std::int64_t>(
        std::floor(std::clamp(value, -limit, limit) * static_cast<float>(fixed::pixel) + 0.5f));
  };
  T* out = canvas.data;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x, out += channels) {
      const Point at = motion.source_of(x, y);
      std::int64_t cx = to_fixed(at.x);
      std::int64_t cy = to_fixed(at.y);
      const bool inside = enter_image<bits>(cx, width, fill) && enter_image<bits>(cy, height, fill);
      const auto pixel = [&](std::int64_t row, std::int64_t column) -> const T* {
        const int r = fill_index(static_cast<int>(row), height, taps_fill);
        const int c = fill_index(static_cast<int>(column), width, taps_fill);
        if (!inside || r < 0 || c < 0) return nullptr;
        return before + static_cast<std::size_t>(r) * pitch +
               static_cast<std::size_t>(c) * channels;
      };
      if (nearest) {
        constexpr std::int64_t half = fixed::pixel / 2;
        const T* from = pixel((cy + half) >> bits, (cx + half) >> bits);
        for (std::size_t c = 0; c < channels; ++c) {
          out[c] = from == nullptr ? canvas.cut(canvas.plan.fill_value) : from[c];
        }
        continue;
      }
      constexpr float unit = 1.0f / static_cast<float>(fixed::pixel);
      const float wx = static_cast<float>(cx & (fixed::pixel - 1)) * unit;
      const float wy = static_cast<float>(cy & (fixed::pixel - 1)) * unit;
      const T* taps[] = {pixel(cy >> bits, cx >> bits), pixel(cy >> bits, (cx >> bits) + 1),
                         pixel((cy >> bits) + 1, cx >> bits),
                         pixel((cy >> bits) + 1, (cx >> bits) + 1)};
      for (std::size_t c = 0; c < channels; ++c) {
        const auto value = [&](std::size_t t) {
          return taps[t] == nullptr ? canvas.plan.fill_value : static_cast<float>(taps[t][c]);
        };
        const float top = value(0) * (1 - wx) + value(1) * wx;
        const float bottom = value(2) * (1 - wx) + value(3) * wx;
        const float blended = top * (1 - wy) + bottom * wy;
        out[c] = canvas.is_levels ? canvas.cut(blended + 0.5f) : static_cast<T>(blended);
      }
    }
  }
}

// Of a type that is made of (values, size of the canvas, kernels), with
//   Point source_of(int column, int row) const;  as warp() wants it
//   Place moved(Place) const;                    where what lies at a place comes to lie
template <class Motion>
Painter make_moving_painter(std::string_view name) {
  Painter painter = make_painter(name, [](const PaintedValues& values, const auto& canvas) {
    warp(canvas, Motion(values, canvas.shape.size(), canvas.kernels));
  });
  painter.masks = [](const PaintedValues& values, const Canvas<std::uint8_t>& canvas) {
    warp(canvas, Motion(values, canvas.shape.size(), canvas.kernels), true);
  };
  painter.move_places = [](const PaintedValues& values, ImageSize size, std::span<Place> places) {
    const Motion motion(values, size, best_kernels());
    for (Place& place : places) place = motion.moved(place);
  };
  return painter;
}

}  // namespace headrace
