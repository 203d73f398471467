#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "headrace/pipeline/image.h"

namespace headrace {

// x' = xx x + xy y + xt,  y' = yx x + yy y + yt, in continuous image coordinates: pixel i covers
// [i, i + 1), its centre lies at i + 0.5.
struct AffineMap {
  double xx = 1, xy = 0, xt = 0;
  double yx = 0, yy = 1, yt = 0;

  // True when rows map to rows and columns to columns: resize, crop, shift and flip do, rotation
  // and shear do not.
  bool is_axis_aligned() const { return xy == 0 && yx == 0; }
  // The map that applies `first`, then this.
  AffineMap after(const AffineMap& first) const;
  friend bool operator==(const AffineMap&, const AffineMap&) = default;
};

enum class Filter : std::uint8_t {
  nearest,
  linear,    // 2x2 taps whatever the scale: aliases when it shrinks
  triangle,  // linear, widened by the scale when it shrinks (antialiased, as Pillow's BILINEAR)
  box,       // the mean of the pixels whose centres an output covers (as Pillow's BOX)
  cubic,     // 4x4 taps of the cubic B-spline through the pixels (scipy.ndimage's order 3)
};

// What lies outside the source image.
enum class FillMode : std::uint8_t {
  constant,  // k k k | a b c d | k k k   (the border blends into k: scipy's grid-constant)
  nearest,   // a a a | a b c d | d d d
  reflect,   // c b a | a b c d | d c b
  wrap,      // b c d | a b c d | a b c   (period N: scipy's grid-wrap)
  mirror,    // d c b | a b c d | c b a
  // What scipy.ndimage, and so Keras, calls "constant" and "wrap": k as soon as a coordinate leaves
  // the outermost pixels' centres, without blending; and a period of N - 1 pixels.
  scipy_constant,
  scipy_wrap,
};

// A drawn operation on pixels: which one, and the values drawn for it.
struct PlannedOperation {
  std::uint32_t kind = 0;  // stream_id of the operation's name
  std::array<float, 8> values{};
};

// Everything random about one image, decided: the geometry as one map with one sampling, then a
// short list of operations on pixels. A small plain value: it is drawn before decoding, can be
// printed and replayed, and what it says is rendered to the same pixels everywhere.
struct SamplePlan {
  ImageSize source;  // whole source image
  ImageSize output;
  AffineMap source_from_output;
  Filter filter = Filter::triangle;
  FillMode fill_mode = FillMode::nearest;
  float fill_value = 0;  // for FillMode::constant, in source levels
  // The part of the source that rendering reads.
  Region region;

  static constexpr std::size_t max_operations = 16;
  std::array<PlannedOperation, max_operations> operation_slots{};
  std::uint32_t operation_count = 0;

  std::span<const PlannedOperation> operations() const {
    return {operation_slots.data(), operation_count};
  }
  // Throws Error{invalid_argument} beyond max_operations.
  void add(const PlannedOperation& operation);
};

// By how much the source's resolution could be divided so that the plan's filter would still only
// shrink: the pixels that an output spans, along the axis where these are fewer. At least 1, and 1
// for plans that turn and filters that do not average.
double spare_resolution(const SamplePlan& plan);

// The size of an image at `eighths` / 8 of its resolution, rounded up: a pixel covers 8 / eighths
// of the image's own both ways, the last ones also what may lie beyond it.
ImageSize size_at_eighths(ImageSize size, int eighths);

// The plan for its source at that resolution. Its region may be a little larger than what is read.
// Requires 1 <= eighths <= 8 and spare_resolution(plan) >= 8 / eighths.
SamplePlan at_eighths(const SamplePlan& plan, int eighths);

}  // namespace headrace
