#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// One axis of a plan, in fixed point (fixed_point.h). Image and output indices are those of rows or
// of columns.
//
// What an output at source coordinate c is made of, with s the distance of outputs and N the
// image's extent (in source pixels):
// - The filter at c is a triangle over the image's own pixels, its weights normalised; no nearer to
//   the border than the outermost output of a plain resize has it, which so equals Pillow's.
// - nearest: c is clamped to [s / 2, N - s / 2].
// - reflect: c is reflected into [0, N), then clamped so.
// - wrap: c is taken modulo N; within s / 2 of the seam its two outputs blend linearly.
// - constant: within s / 2 of the border its output and the constant blend linearly; beyond, the
//   constant.
// At scale 1 these are scipy.ndimage's nearest, reflect, grid-wrap and grid-constant at order 1.
// Filter::box weighs alike the pixels whose centres lie in (c - s / 2, c + s / 2], which equals
// Pillow's BOX but where a centre lies within 2^-14 pixels of those ends.
// Filter::nearest takes the pixel that contains c, or what fills its place; so does a box that does
// not shrink.
struct Axis {
  std::int64_t origin = 0;      // coordinate of output 0's centre, 2^-32 pixels
  std::int64_t step = 0;        // between neighbouring outputs
  std::int64_t pitch = 0;       // s, 2^-14 pixels, at least 1
  std::int64_t half_width = 0;  // of the filter, 2^-14 pixels; 0: Filter::nearest
  bool is_box = false;
  int source = 0;
  int output = 0;
  FillMode fill = FillMode::nearest;

  // True if outputs lie one source pixel apart, in either direction.
  bool is_shift() const;
  bool is_mirrored() const { return step < 0; }
  // No output has more taps.
  int max_taps() const;
  std::int64_t coordinate(int i) const;
};

// In 2^-32 pixels. Throws as make_axis() does.
std::int64_t to_map(double pixels);

// x' = scale * x + offset in pixels, e.g. AffineMap::xx and xt.
// Throws Error{invalid_argument} if that leads too far from the image to be computed.
Axis make_axis(double scale, double offset, int source, int output, Filter filter, FillMode fill);

// The axes of a plan. Requires that its map is axis-aligned.
Axis row_axis(const SamplePlan& plan);
Axis column_axis(const SamplePlan& plan);
// What a plan's axes read: SamplePlan::region.
Region region_of(const SamplePlan& plan);

struct IndexRange {
  int first = 0;
  int last = 0;  // past the end
};

// FillMode::constant's level for u8 pixels.
std::int32_t constant_level(const SamplePlan& plan);

// Image indices that rendering reads.
IndexRange indices_read(const Axis& axis);
// Where all taps lie: the same, or the image and some of its continuation.
IndexRange indices_of_taps(const Axis& axis);

// What one output is made of: `count` neighbouring indices from `first` on, and the constant.
// Indices outside the image stand for its periodic continuation (FillMode::wrap only).
struct Taps {
  int first = 0;
  int count = 0;
  std::int32_t constant_weight = 0;
};

// The taps of output `i`; writes their weights, at most axis.max_taps(). They sum, with
// constant_weight, to exactly fixed::one; the first and the last are not 0.
Taps make_taps(const Axis& axis, int i, std::int16_t* weights);

// The image index that fills index `i` of the continued axis, or -1 for the constant.
int fill_index(int i, int extent, FillMode fill);

}  // namespace headrace
