#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "headrace/augment/kernels.h"
#include "headrace/pipeline/image.h"
#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// An output while operations paint on it: geometry is done, normalisation is not. Interleaved rows
// that follow one another, of levels (u8) or of values (f32), on both of which 255 is white. Levels
// are clipped, and cut to whole ones as torchvision does; values may lie anywhere.
template <class T>
struct Canvas {
  T* data;
  ImageShape shape;
  const Kernels& kernels;
  std::vector<std::byte>& spare;  // memory for what an operation needs beside
  const SamplePlan& plan;         // what fills, for operations that move pixels
  // What an operation made for the plan's image, for its targets; not for another thread. Null:
  // nothing is kept.
  std::vector<std::byte>* kept = nullptr;

  static constexpr bool is_levels = sizeof(T) == 1;
  std::size_t pixels() const {
    return static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
  }
  std::size_t channels() const { return static_cast<std::size_t>(shape.channels); }
  std::size_t elements() const { return shape.elements(); }
  // Space for as many elements as the canvas has.
  T* spare_canvas() const {
    if (spare.size() < elements() * sizeof(T)) spare.resize(elements() * sizeof(T));
    return reinterpret_cast<T*>(spare.data());
  }
  bool is_colour() const { return shape.channels == 3; }

  // What a result becomes: clipped to a level and cut, or as it is.
  static T cut(float value) {
    if constexpr (is_levels) {
      return static_cast<T>(value >= 255 ? 255 : value > 0 ? value : 0);
    } else {
      return value;
    }
  }
};

using PaintedValues = std::array<float, 8>;  // PlannedOperation::values

// Where something lies on a canvas, in pixels: pixel i covers [i, i + 1).
struct Place {
  double x = 0;
  double y = 0;
};

// How a planned operation is done.
struct Painter {
  std::uint32_t kind = 0;  // PlannedOperation::kind; 0: it does not paint
  std::string_view name;
  void (*levels)(const PaintedValues& values, const Canvas<std::uint8_t>& canvas) = nullptr;
  void (*values)(const PaintedValues& values, const Canvas<float>& canvas) = nullptr;
  // That it looks at no pixel but the one that it changes, so that rows can be painted as they
  // come.
  bool is_pointwise = false;
  // Of those that move pixels (warp.h): masks, which are not blended, and places on the canvas,
  // which go where the pixels go.
  void (*masks)(const PaintedValues& values, const Canvas<std::uint8_t>& canvas) = nullptr;
  void (*move_places)(const PaintedValues& values, ImageSize canvas, std::span<Place> places,
                      std::vector<std::byte>* kept) = nullptr;

  bool moves() const { return move_places != nullptr; }
};

// Of a function object without state that takes (values, canvas) of both kinds.
template <class Paint>
Painter make_painter(std::string_view name, Paint) {
  return {
      stream_id(name), name,
      [](const PaintedValues& values, const Canvas<std::uint8_t>& canvas) {
        Paint{}(values, canvas);
      },
      [](const PaintedValues& values, const Canvas<float>& canvas) { Paint{}(values, canvas); }};
}

// Throws Error{invalid_argument} if no operation has it.
const Painter& find_painter(std::uint32_t kind);

// Does all that a plan says. If all its painters are pointwise, some rows of the image do as a
// canvas.
void paint_plan(const SamplePlan& plan, const Canvas<std::uint8_t>& canvas);
void paint_plan(const SamplePlan& plan, const Canvas<float>& canvas);
bool is_pointwise(const SamplePlan& plan);

// The brightness of a pixel, ITU-R BT.601 with the factors of torchvision's rgb_to_grayscale.
inline float luma(float red, float green, float blue) {
  return 0.2989f * red + 0.587f * green + 0.114f * blue;
}

}  // namespace headrace
