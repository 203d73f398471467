#pragma once

#include "headrace/augment/finish.h"
#include "headrace/augment/kernels.h"
#include "headrace/pipeline/targets.h"

namespace headrace {

// What Augmenter::targets() of a recipe is.
class TargetRenderer final : public TargetMover {
 public:
  struct Options {
    ImageSize output;
    float mask_fill = 0;
    bool pairs_move_alone = false;
  };

  TargetRenderer(const Options& options, const Kernels& kernels);

  void move(const SamplePlan& plan, std::span<KeyPoint> points,
            RenderScratch& scratch) const override;
  void move(const SamplePlan& plan, std::span<Box> boxes, RenderScratch& scratch) const override;
  ImageSize output() const override { return options_.output; }
  SamplePlan mask_plan(const SamplePlan& plan, ImageSize size) const override;
  void render_mask(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                   std::byte* destination, RenderScratch& scratch) const override;
  SamplePlan pair_plan(const SamplePlan& plan, ImageSize size) const override;

 private:
  Options options_;
  Finish levels_;
  const Kernels& kernels_;
};

}  // namespace headrace
