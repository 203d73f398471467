#pragma once

#include <cstddef>
#include <vector>

#include "headrace/augment/kernels.h"
#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/image.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// What becomes of a resampled value: value * scale + offset in f32, or the value itself, rounded,
// in u8.
struct Finish {
  // `mean` has a value for each element of the output, for each channel, or none.
  Finish(ImageShape output, ElementType output_type, float scale_factor,
         const std::vector<float>& mean);

  ImageShape shape;
  ElementType type;
  float scale;
  bool per_pixel;
  // Of the whole output (per_pixel), else of its first finish_rows(output) rows.
  std::vector<float> offsets;

  std::size_t row_elements() const {
    return static_cast<std::size_t>(shape.width) * static_cast<std::size_t>(shape.channels);
  }
  const float* offsets_of(int row) const {
    return offsets.data() + (per_pixel ? static_cast<std::size_t>(row) * row_elements() : 0);
  }
};

// Rows that are finished together: as many as stay in the first-level cache.
int finish_rows(const ImageShape& output);

// Renders as Augmenter::render. Requires a plan whose map is axis-aligned, pixels of type u8
// (render_levels) or f32 (render_values) with the finish's channels, and that `decoded` contains
// plan.region.
void render_levels(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                   const Finish& finish, std::byte* destination, RenderScratch& scratch,
                   const Kernels& kernels);
void render_values(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                   const Finish& finish, std::byte* destination, RenderScratch& scratch);

}  // namespace headrace
