#pragma once

#include <cstddef>
#include <span>

#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/image.h"
#include "headrace/pipeline/sample_plan.h"

// What is known of an image beside its class, and moves with it. Places are in pixels from the
// upper left corner, pixel i covering [i, i + 1): of the upright source in a data set's records, of
// the output in a batch's rows.
namespace headrace {

// One of the three f32 values of a key point, in records and in rows of batches.
struct KeyPoint {
  float x = 0;
  float y = 0;
  float visibility = 0;  // 0: it is not known, or lies outside of the image; else 1
};

// The six f32 values of a box. A row has room for as many as any record has; what is left over is
// of label -1 and visibility 0.
struct Box {
  float left = 0;
  float top = 0;
  float right = 0;
  float bottom = 0;
  float label = -1;      // its class
  float visibility = 0;  // the share of its area that is left in the image
};

// Moves targets by the plan of their image. What Augmenter::targets() offers; all functions are
// const, pure, and safe to call from many threads at once.
//
// - Points that leave the image are moved to its border, with visibility 0.
// - A box becomes the hull of where its corners come to lie, cut off at the border. It is taken
//   anew after the affine map and after each operation that moves pixels.
// - Of an image that a fill mode repeats beyond its borders, targets lie where the original does.
class TargetMover {
 public:
  virtual ~TargetMover() = default;

  virtual void move(const SamplePlan& plan, std::span<KeyPoint> points,
                    RenderScratch& scratch) const = 0;
  virtual void move(const SamplePlan& plan, std::span<Box> boxes, RenderScratch& scratch) const = 0;

  // Of masks in a batch: that of the image.
  virtual ImageSize output() const = 0;

  // The plan for a mask of `size` pixels of the image that `plan` is of: the same geometry, nearest
  // sampling, nothing that paints; a constant fill mode fills with the recipe's "mask_fill".
  virtual SamplePlan mask_plan(const SamplePlan& plan, ImageSize size) const = 0;
  // Renders it to one u8 for each pixel, [height, width]. Requires u8 pixels of one channel; else
  // as Augmenter::render().
  virtual void render_mask(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                           std::byte* destination, RenderScratch& scratch) const = 0;

  // The plan for a second image, for Augmenter::render(): the same geometry and sampling and,
  // unless the recipe's "pair_operations" is geometry, all that paints with the values drawn.
  virtual SamplePlan pair_plan(const SamplePlan& plan, ImageSize size) const = 0;

 protected:
  TargetMover() = default;
  TargetMover(const TargetMover&) = default;
  TargetMover& operator=(const TargetMover&) = default;
};

}  // namespace headrace
