#include "headrace/pipeline/sample_plan.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

struct Extent {
  int begin;
  int count;
};

// Of `count` pixels from `begin` on, with one more on each side for what rounding may add.
Extent extent_at_eighths(int begin, int count, int whole, int eighths) {
  const std::int64_t first = std::int64_t{begin} * eighths / 8 - 1;
  const std::int64_t last = ((std::int64_t{begin} + count) * eighths + 7) / 8 + 1;
  const auto low = static_cast<int>(std::max<std::int64_t>(first, 0));
  return {low, static_cast<int>(std::min<std::int64_t>(last, whole)) - low};
}

}  // namespace

AffineMap AffineMap::after(const AffineMap& first) const {
  return {.xx = xx * first.xx + xy * first.yx,
          .xy = xx * first.xy + xy * first.yy,
          .xt = xx * first.xt + xy * first.yt + xt,
          .yx = yx * first.xx + yy * first.yx,
          .yy = yx * first.xy + yy * first.yy,
          .yt = yx * first.xt + yy * first.yt + yt};
}

void SamplePlan::add(const PlannedOperation& operation) {
  if (operation_count >= max_operations) {
    throw Error(ErrorCode::invalid_argument, "a recipe of more than " +
                                                 std::to_string(max_operations) +
                                                 " operations on pixels: leave some out");
  }
  operation_slots[operation_count++] = operation;
}

double spare_resolution(const SamplePlan& plan) {
  const bool averages = plan.filter == Filter::triangle || plan.filter == Filter::box;
  const AffineMap& map = plan.source_from_output;
  if (!averages || !map.is_axis_aligned()) return 1;
  return std::max(std::min(std::abs(map.xx), std::abs(map.yy)), 1.0);
}

ImageSize size_at_eighths(ImageSize size, int eighths) {
  const auto scaled = [eighths](int extent) {
    return static_cast<int>((std::int64_t{extent} * eighths + 7) / 8);
  };
  return {scaled(size.height), scaled(size.width)};
}

SamplePlan at_eighths(const SamplePlan& plan, int eighths) {
  SamplePlan scaled = plan;
  scaled.source = size_at_eighths(plan.source, eighths);
  const double scale = eighths / 8.0;
  scaled.source_from_output = AffineMap{.xx = scale, .yy = scale}.after(plan.source_from_output);
  const Extent rows =
      extent_at_eighths(plan.region.top, plan.region.height, scaled.source.height, eighths);
  const Extent columns =
      extent_at_eighths(plan.region.left, plan.region.width, scaled.source.width, eighths);
  scaled.region = {rows.begin, columns.begin, rows.count, columns.count};
  return scaled;
}

}  // namespace headrace
