#include "headrace/augment/target_renderer.h"

#include <fmt/format.h>

#include <cstring>

#include "headrace/augment/axis.h"
#include "headrace/augment/painter.h"
#include "headrace/augment/render.h"
#include "headrace/augment/target_geometry.h"
#include "headrace/pipeline/error.h"

namespace headrace {

TargetRenderer::TargetRenderer(const Options& options, const Kernels& kernels)
    : options_(options),
      levels_({options.output.height, options.output.width, 1}, ElementType::u8, Layout::nhwc, {}),
      kernels_(kernels) {}

void TargetRenderer::move(const SamplePlan& plan, std::span<KeyPoint> points,
                          RenderScratch& scratch) const {
  move_points(plan, points, &scratch.motion);
}

void TargetRenderer::move(const SamplePlan& plan, std::span<Box> boxes,
                          RenderScratch& scratch) const {
  move_boxes(plan, boxes, &scratch.motion);
}

SamplePlan TargetRenderer::mask_plan(const SamplePlan& plan, ImageSize size) const {
  SamplePlan mask = without_paint(plan);
  mask.filter = Filter::nearest;
  mask.fill_value = options_.mask_fill;
  return plan_for_size(mask, size);
}

SamplePlan TargetRenderer::pair_plan(const SamplePlan& plan, ImageSize size) const {
  return plan_for_size(options_.pairs_move_alone ? without_paint(plan) : plan, size);
}

void TargetRenderer::render_mask(const SamplePlan& plan, const ImageView& pixels,
                                 const Region& decoded, std::byte* destination,
                                 RenderScratch& scratch) const {
  if (pixels.type != ElementType::u8 || pixels.shape.channels != 1) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a mask of {} channels of type {}: it must be one of u8, whose levels "
                            "are classes",
                            pixels.shape.channels, to_string(pixels.type)));
  }
  if (!(plan.output == options_.output) || !decoded.contains(region_of(plan))) {
    throw Error(ErrorCode::invalid_argument,
                "a mask whose plan is of another output, or reads more than is given");
  }
  SamplePlan geometry = plan;
  geometry.operation_count = 0;
  const ImageShape shape = levels_.shape();
  if (scratch.canvas.size() < shape.elements() + Kernels::slack) {
    scratch.canvas.resize(shape.elements() + Kernels::slack);
  }
  std::byte* memory = scratch.canvas.data();
  render_levels(geometry, pixels, decoded, levels_, memory, scratch, kernels_);
  const Canvas<std::uint8_t> canvas = {reinterpret_cast<std::uint8_t*>(memory),
                                       shape,
                                       kernels_,
                                       scratch.spare,
                                       plan,
                                       &scratch.motion};
  for (const PlannedOperation& operation : plan.operations()) {
    find_painter(operation.kind).masks(operation.values, canvas);
  }
  std::memcpy(destination, memory, shape.elements());
}

}  // namespace headrace
