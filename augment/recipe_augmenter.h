#pragma once

#include <cstdint>
#include <vector>

#include "headrace/augment/kernels.h"
#include "headrace/augment/operation.h"
#include "headrace/augment/recipe.h"
#include "headrace/augment/render.h"
#include "headrace/augment/render_planes.h"
#include "headrace/augment/target_renderer.h"
#include "headrace/pipeline/augmenter.h"

namespace headrace {

// The longest sides, in pixels, for which coordinates in fixed point are exact enough.
inline constexpr int max_source_side = 1 << 20;
inline constexpr int max_output_side = 1 << 15;

// What Recipe::make_augmenter() makes.
class RecipeAugmenter final : public Augmenter {
 public:
  // Requires a recipe that make_augmenter() accepts.
  explicit RecipeAugmenter(const Recipe& recipe, const Kernels& kernels = best_kernels());

  const FieldSpec& output() const override { return output_; }
  int channels() const override { return finish_.shape().channels; }
  SamplePlan plan(ImageSize source, const Rng& sample) const override;
  bool is_random() const override;
  void render(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
              std::byte* destination, RenderScratch& scratch) const override;
  bool takes_planes(const SamplePlan& plan) const override {
    return channels() == 3 && can_render_planes(plan);
  }
  void render_planes(const SamplePlan& plan, const ColourPlanes& planes, std::byte* destination,
                     RenderScratch& scratch) const override;
  const TargetMover* targets() const override { return &targets_; }
  std::uint64_t fingerprint() const override { return fingerprint_; }
  // True if an image is normalised as a whole, and not value by value.
  bool needs_whole_images() const { return standardize_.is_needed(); }
  const Finish& finish() const { return finish_; }

 private:
  struct Step {
    const Operation* operation;
    ParameterValue value;
    std::uint32_t stream;
  };

  // With an image between geometry and the batch: it is painted on, or normalised as a whole.
  void render_canvas(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                     std::byte* destination, RenderScratch& scratch) const;
  std::byte* canvas_memory(RenderScratch& scratch) const;
  // Paints and normalises what was rendered into canvas_memory(): levels, then values.
  void finish_levels(const SamplePlan& plan, std::byte* destination, RenderScratch& scratch) const;
  void finish_values(std::byte* destination, RenderScratch& scratch) const;
  void check_output(const SamplePlan& plan) const;

  FieldSpec output_;
  Finish finish_;
  Finish canvas_levels_;
  Finish canvas_values_;
  std::vector<Step> steps_;
  Filter filter_;
  FillMode fill_mode_;
  float fill_value_;
  KerasVersion keras_;
  Standardize standardize_;
  TargetRenderer targets_;
  std::uint64_t fingerprint_;
  const Kernels& kernels_;
};

}  // namespace headrace
