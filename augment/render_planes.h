#pragma once

#include <cstddef>

#include "headrace/augment/finish.h"
#include "headrace/augment/kernels.h"
#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/colour_planes.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// Whether render_planes() can follow the plan: its filter is Filter::triangle or Filter::linear,
// rows map to rows, and what it fills with means the same in a plane of fewer pixels (FillMode
// nearest, constant and reflect).
bool can_render_planes(const SamplePlan& plan);

// As render_levels(), of planes: each is resampled for itself, a pixel of the plane being as large
// as what it covers of the image; outputs become RGB, then come operations and the finish, which is
// of three channels.
// Requires can_render_planes(plan), and planes that contain what the plan reads of them, those of
// both colours alike (else throws Error{invalid_argument}).
void render_planes(const SamplePlan& plan, const ColourPlanes& planes, const Finish& finish,
                   std::byte* destination, RenderScratch& scratch, const Kernels& kernels);

}  // namespace headrace
