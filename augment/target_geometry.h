#pragma once

#include <span>

#include "headrace/pipeline/sample_plan.h"
#include "headrace/pipeline/targets.h"

namespace headrace {

// Where points and boxes of the source come to lie on a plan's output (targets.h).
void move_points(const SamplePlan& plan, std::span<KeyPoint> points);
void move_boxes(const SamplePlan& plan, std::span<Box> boxes);

// The same geometry for an image of another resolution, with all that paints.
SamplePlan plan_for_size(const SamplePlan& plan, ImageSize size);
// Without the operations that move no pixels.
SamplePlan without_paint(const SamplePlan& plan);

}  // namespace headrace
