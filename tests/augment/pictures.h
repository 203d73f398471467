#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "headrace/augment/kernels.h"
#include "headrace/augment/recipe.h"
#include "headrace/augment/recipe_augmenter.h"
#include "headrace/pipeline/image.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace::testing {

// A picture of tests/fixtures/augment (made by script/fixtures/augment.py), without ".ppm".
Image load_picture(const std::string& name);

// Noise of all levels, in an image without a byte to spare.
struct Noise {
  ImageShape shape;
  std::vector<std::uint8_t> levels;

  Noise(ImageShape noise_shape, std::uint64_t seed);
  ImageView view() const;
  // The same levels as f32.
  std::vector<float> values() const;
};

ImageView view_of(const std::vector<float>& values, ImageShape shape);

// A plan of resizing alone, with its map then moved by (dy, dx) output pixels: content that was at
// x comes to x + dx.
SamplePlan make_plan(ImageSize source, ImageSize output, Filter filter, FillMode fill,
                     double dy = 0, double dx = 0);
// Mirrors what a plan makes.
void mirror_horizontally(SamplePlan& plan);
void mirror_vertically(SamplePlan& plan);

Region whole(const ImageView& pixels);

// Renders the whole image to u8 or f32, without normalisation.
std::vector<std::uint8_t> render_u8(const SamplePlan& plan, const ImageView& pixels,
                                    const Kernels& kernels = best_kernels());
std::vector<float> render_f32(const SamplePlan& plan, const ImageView& pixels,
                              const Kernels& kernels = best_kernels());

}  // namespace headrace::testing
