#include "headrace/augment/axis.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "headrace/augment/affine.h"
#include "headrace/augment/axis_taps.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using fixed::pixel;
using taps::clamp_to_image;
using taps::filter_span;
using taps::floor_pixel;

}  // namespace

std::int64_t to_map(double pixels) {
  // Far beyond any image, and far below what would overflow.
  constexpr double limit = 1 << 29;
  if (!(std::abs(pixels) < limit)) {
    throw Error(ErrorCode::invalid_argument, "a plan that leads too far away from the image");
  }
  const double scaled = pixels * static_cast<double>(std::int64_t{1} << fixed::map_bits);
  const auto whole = static_cast<std::int64_t>(scaled);
  // To the nearest, halves away from zero, as llround() does, which is a call.
  const double rest = scaled - static_cast<double>(whole);
  return whole + (rest >= 0.5 ? 1 : rest <= -0.5 ? -1 : 0);
}

bool Axis::is_shift() const {
  const std::int64_t unit = std::int64_t{1} << fixed::map_bits;
  return step == unit || step == -unit;
}

int Axis::max_taps() const {
  if (half_width == 0) return 1;
  const std::int64_t image = source;
  const std::int64_t within = std::min((2 * half_width + pixel - 1) / pixel, image);
  if (fill != FillMode::wrap) return static_cast<int>(within);
  // From the seam to the end of the filter that is nearest to it, on both sides.
  const std::int64_t beside = (std::max(pitch, pixel) / 2 + half_width) / pixel + 1;
  return static_cast<int>(std::max(within, 2 * std::min(beside, image)));
}

std::int64_t Axis::coordinate(int i) const { return fixed::coordinate(origin, step, i); }

Axis make_axis(double scale, double offset, int source, int output, Filter filter, FillMode fill) {
  Axis axis;
  axis.origin = to_map(0.5 * scale + offset);
  axis.step = to_map(scale);
  to_map((output - 0.5) * scale + offset);
  axis.source = source;
  axis.output = output;
  axis.fill = fill;
  axis.pitch = std::max<std::int64_t>(
      (std::abs(axis.step) + (std::int64_t{1} << (fixed::map_shift - 1))) >> fixed::map_shift, 1);
  if (filter != Filter::nearest) axis.half_width = pixel;
  if (filter == Filter::triangle) axis.half_width = std::max(pixel, axis.pitch);
  if (filter == Filter::box) {
    axis.is_box = axis.pitch > pixel;
    axis.half_width = axis.is_box ? axis.pitch / 2 : 0;
  }
  return axis;
}

Axis row_axis(const SamplePlan& plan) {
  const AffineMap& map = plan.source_from_output;
  return make_axis(map.yy, map.yt, plan.source.height, plan.output.height, plan.filter,
                   plan.fill_mode);
}

Axis column_axis(const SamplePlan& plan) {
  const AffineMap& map = plan.source_from_output;
  return make_axis(map.xx, map.xt, plan.source.width, plan.output.width, plan.filter,
                   plan.fill_mode);
}

std::int32_t constant_level(const SamplePlan& plan) {
  return static_cast<std::int32_t>(std::clamp(std::floor(plan.fill_value + 0.5f), 0.0f, 255.0f));
}

IndexRange indices_read(const Axis& axis) {
  const std::int64_t extent = axis.source * pixel;
  const std::int64_t a = axis.coordinate(0);
  const std::int64_t b = axis.coordinate(axis.output - 1);
  std::int64_t low = std::min(a, b);
  std::int64_t high = std::max(a, b);
  const std::int64_t edge = axis.pitch / 2;
  if (axis.fill == FillMode::wrap && (low < edge || high > extent - edge)) return {0, axis.source};
  if (axis.fill == FillMode::reflect) {
    const bool below = low < 0;
    const bool above = high > extent;
    if ((below && above) || low < -extent || high > 2 * extent) return {0, axis.source};
    if (below) {
      high = std::max(high, -low);
      low = 0;
    } else if (above) {
      low = std::min(low, 2 * extent - high);
      high = extent;
    }
    low = std::clamp<std::int64_t>(low, 0, extent);
    high = std::clamp<std::int64_t>(high, 0, extent);
  }
  if (axis.half_width == 0) {
    const std::int64_t last = axis.source - 1;
    return {static_cast<int>(std::clamp<std::int64_t>(floor_pixel(low), 0, last)),
            static_cast<int>(std::clamp<std::int64_t>(floor_pixel(high), 0, last)) + 1};
  }
  return {static_cast<int>(filter_span(axis, clamp_to_image(axis, low)).first),
          static_cast<int>(filter_span(axis, clamp_to_image(axis, high)).last)};
}

Region region_of(const SamplePlan& plan) {
  if (needs_affine(plan)) return affine_region(plan);
  const IndexRange rows = indices_read(row_axis(plan));
  const IndexRange columns = indices_read(column_axis(plan));
  return {rows.first, columns.first, rows.last - rows.first, columns.last - columns.first};
}

IndexRange indices_of_taps(const Axis& axis) {
  const IndexRange read = indices_read(axis);
  if (axis.fill != FillMode::wrap || axis.half_width == 0) return read;
  if (read.first > 0 || read.last < axis.source) return read;
  return {-axis.max_taps(), axis.source + axis.max_taps()};
}

Taps make_taps(const Axis& axis, int i, std::int16_t* weights) {
  return taps::make(axis, i, weights);
}

int fill_index(int i, int extent, FillMode fill) { return taps::fill_index(i, extent, fill); }

}  // namespace headrace
