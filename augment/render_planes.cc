#include "headrace/augment/render_planes.h"

#include <algorithm>
#include <array>

#include "headrace/augment/affine.h"
#include "headrace/augment/axis.h"
#include "headrace/augment/axis_table.h"
#include "headrace/augment/level_renderer.h"
#include "headrace/augment/painter.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr float no_colour = 128;  // of Cb and Cr, where R, G and B are equal

// The plan for a plane, whose pixels are Y's, or one of the colours'.
SamplePlan plan_for(const SamplePlan& plan, const ColourPlanes::Plane& plane, bool is_colour) {
  SamplePlan result = plan;
  result.source = plane.whole;
  result.source_from_output =
      AffineMap{.xx = 1.0 / plane.step.width, .yy = 1.0 / plane.step.height}.after(
          plan.source_from_output);
  if (is_colour) result.fill_value = no_colour;
  result.operation_count = 0;
  result.region = region_of(result);
  if (!plane.region.contains(result.region)) {
    throw Error(ErrorCode::invalid_argument,
                "planes of brightness and colour that show less than the plan reads");
  }
  return result;
}

void check_colours(const ColourPlanes::Plane& a, const ColourPlanes::Plane& b) {
  if (a.region == b.region && a.whole == b.whole && a.step == b.step) return;
  throw Error(ErrorCode::invalid_argument, "planes of two colours that are not alike");
}

}  // namespace

bool can_render_planes(const SamplePlan& plan) {
  const bool known_filter = plan.filter == Filter::triangle || plan.filter == Filter::linear;
  const bool known_fill = plan.fill_mode == FillMode::nearest ||
                          plan.fill_mode == FillMode::constant ||
                          plan.fill_mode == FillMode::reflect;
  return known_filter && known_fill && !needs_affine(plan);
}

void render_planes(const SamplePlan& plan, const ColourPlanes& planes, const Finish& finish,
                   std::byte* destination, RenderScratch& scratch, const Kernels& kernels) {
  const ImageShape& shape = finish.shape();
  const auto width = static_cast<std::size_t>(shape.width);
  const int band = finish.rows_at_once();
  // As many levels of each plane as there are of all channels in a band.
  const int plane_band = 3 * band;
  check_colours(planes.planes[1], planes.planes[2]);
  LevelRenderer brightness(plan_for(plan, planes.planes[0], false), 1, plane_band, kernels);
  LevelRenderer colour(plan_for(plan, planes.planes[1], true), 1, plane_band, kernels);
  ScratchLayout layout;
  brightness.reserve(layout);
  colour.reserve(layout);
  std::array<std::size_t, 3> places{};
  for (std::size_t& place : places) {
    place = layout.reserve(static_cast<std::size_t>(plane_band) * width + Kernels::slack);
  }
  const std::size_t levels_place =
      layout.reserve(static_cast<std::size_t>(band) * finish.row_elements() + Kernels::slack);
  const std::size_t finishing = layout.reserve(finish.scratch_bytes());
  if (scratch.planes.size() < layout.size()) scratch.planes.resize(layout.size());
  std::byte* const memory = ScratchLayout::align(scratch.planes.data());
  brightness.prepare(memory);
  colour.prepare(memory);

  std::array<std::uint8_t*, 3> resampled{};
  for (std::size_t i = 0; i < resampled.size(); ++i) {
    resampled[i] = reinterpret_cast<std::uint8_t*>(memory + places[i]);
  }
  auto* const levels = reinterpret_cast<std::uint8_t*>(memory + levels_place);
  for (int y = 0; y < shape.height; y += band) {
    const int in_planes = y % plane_band;
    if (in_planes == 0) {
      const int rows = std::min(plane_band, shape.height - y);
      for (std::size_t i = 0; i < resampled.size(); ++i) {
        const ColourPlanes::Plane& from = planes.planes[i];
        (i == 0 ? brightness : colour).make_rows(from.pixels, from.region, y, rows, resampled[i]);
      }
    }
    const int rows = std::min(band, shape.height - y);
    const std::size_t first = static_cast<std::size_t>(in_planes) * width;
    planes.to_rgb(resampled[0] + first, resampled[1] + first, resampled[2] + first,
                  static_cast<std::size_t>(rows) * width, levels);
    paint_plan(plan, {levels, {rows, shape.width, shape.channels}, kernels, scratch.spare, plan});
    finish.levels(levels, y, rows, destination, memory + finishing, kernels);
  }
}

}  // namespace headrace
