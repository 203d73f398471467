#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/augment/finish.h"
#include "headrace/augment/kernels.h"
#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/image.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// Plans that rows and columns cannot be sampled for one after the other: those that turn, and those
// of filters and fill modes that axis.h does not have.
//
// An output at (x, y) of the source is blended of the 2x2 pixels around it, rows first and in the
// arithmetic of fixed_point.h, or is the pixel that contains it, or (Filter::cubic) is the value of
// the spline there. Taps outside of the image are what the fill mode puts there. These are
// scipy.ndimage.affine_transform's orders 1, 0 and 3, with modes grid-constant, nearest, reflect,
// grid-wrap, mirror, and (FillMode::scipy_*) constant and wrap.
//
// Filters that average (triangle, box) first shrink the image along its own rows and columns by as
// much as the plan shrinks it, if that is by more than a half; then the rest is linear.
bool needs_affine(const SamplePlan& plan);

// What such a plan reads.
Region affine_region(const SamplePlan& plan);

// Where outputs lie, in 2^-32 pixels: pixel i at i.
struct AffineGrid {
  std::int64_t x = 0, y = 0;    // of output (0, 0)
  std::int64_t xx = 0, yx = 0;  // from column to column
  std::int64_t xy = 0, yy = 0;  // from row to row

  // Throws Error{invalid_argument} if that leads too far from the image to be computed.
  explicit AffineGrid(const SamplePlan& plan);
};

// The two halves of such a plan, if it has to shrink first: `shrink`, axis-aligned, makes the image
// that `rest` samples.
struct ShrunkPlan {
  bool shrinks = false;
  SamplePlan shrink;
  SamplePlan rest;

  explicit ShrunkPlan(const SamplePlan& plan);
};

// As render_levels() and render_values() of plans that need_affine(), without shrinking.
void render_affine_levels(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                          const Finish& finish, std::byte* destination, RenderScratch& scratch,
                          const Kernels& kernels);
void render_affine_values(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                          const Finish& finish, std::byte* destination, RenderScratch& scratch);

}  // namespace headrace
