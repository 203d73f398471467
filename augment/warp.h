#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "headrace/augment/painter.h"

namespace headrace {

// Where an operation moves the pixels of a canvas. Const functions are pure.
class Motion {
 public:
  virtual ~Motion() = default;

  // Where each output of a row comes from, in 2^-14 pixels, no farther than
  // PaintKernels::farthest_place; pixel i lies at i.
  virtual void sources(int row, std::int32_t* x, std::int32_t* y) const = 0;
  // Where what lies at a place comes to lie.
  virtual Place moved(const Place& place) const = 0;

 protected:
  Motion() = default;
  Motion(const Motion&) = delete;
  Motion& operator=(const Motion&) = delete;
};

// Moves a canvas's pixels: each output is taken, by linear interpolation, from where the motion
// says; outside, the plan's fill mode holds. Levels in the arithmetic of affine.h.
void warp(const Canvas<std::uint8_t>& canvas, const Motion& motion);
void warp(const Canvas<float>& canvas, const Motion& motion);
// The same, but takes the pixel there instead.
void warp_mask(const Canvas<std::uint8_t>& canvas, const Motion& motion);

// Of a motion that is made of (values, size of the canvas, kernels, Canvas::kept).
template <class Moves>
Painter make_moving_painter(std::string_view name) {
  Painter painter = make_painter(name, [](const PaintedValues& values, const auto& canvas) {
    warp(canvas, Moves(values, canvas.shape.size(), canvas.kernels, canvas.kept));
  });
  painter.masks = [](const PaintedValues& values, const Canvas<std::uint8_t>& canvas) {
    warp_mask(canvas, Moves(values, canvas.shape.size(), canvas.kernels, canvas.kept));
  };
  painter.move_places = [](const PaintedValues& values, ImageSize size, std::span<Place> places,
                           std::vector<std::byte>* kept) {
    const Moves motion(values, size, best_kernels(), kept);
    for (Place& place : places) place = motion.moved(place);
  };
  return painter;
}

}  // namespace headrace
