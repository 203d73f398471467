#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "headrace/pipeline/sample_plan.h"
#include "headrace/pipeline/targets.h"

namespace headrace {

// Where points and boxes of the source come to lie on a plan's output (targets.h).
// `kept` is Canvas::kept.
void move_points(const SamplePlan& plan, std::span<KeyPoint> points,
                 std::vector<std::byte>* kept = nullptr);
void move_boxes(const SamplePlan& plan, std::span<Box> boxes,
                std::vector<std::byte>* kept = nullptr);

// The same geometry for an image of another resolution, with all that paints.
SamplePlan plan_for_size(const SamplePlan& plan, ImageSize size);
// Without the operations that move no pixels.
SamplePlan without_paint(const SamplePlan& plan);

}  // namespace headrace
