#pragma once

#include <cstddef>

#include "headrace/augment/finish.h"
#include "headrace/augment/kernels.h"
#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/image.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// Renders as Augmenter::render; of the plan's operations, which must be pointwise, render_levels
// does all and render_values none. Requires pixels of type u8 (render_levels) or f32
// (render_values) with the finish's channels, and that `decoded` contains plan.region.
void render_levels(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                   const Finish& finish, std::byte* destination, RenderScratch& scratch,
                   const Kernels& kernels);
void render_values(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                   const Finish& finish, std::byte* destination, RenderScratch& scratch);

}  // namespace headrace
