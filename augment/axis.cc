#include "headrace/augment/axis.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "headrace/augment/fixed_point.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using fixed::pixel;

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

std::int64_t floor_pixel(std::int64_t c) { return c >> fixed::coordinate_bits; }

std::int64_t modulo(std::int64_t a, std::int64_t n) {
  const std::int64_t rest = a % n;
  return rest < 0 ? rest + n : rest;
}

// Into [0, extent], mirrored at both ends.
std::int64_t reflect(std::int64_t c, std::int64_t extent) {
  const std::int64_t rest = modulo(c, 2 * extent);
  return rest <= extent ? rest : 2 * extent - rest;
}

struct Span {
  std::int64_t first;
  std::int64_t last;  // past the end
};

// Image indices whose centres lie within the filter at c; at least one for c inside the image.
Span filter_span(const Axis& axis, std::int64_t c) {
  const std::int64_t f = axis.half_width;
  const std::int64_t first = floor_pixel(c - f - pixel / 2) + 1;
  const std::int64_t last =
      axis.is_box ? floor_pixel(c + f - pixel / 2) + 1 : -floor_pixel(-(c + f - pixel / 2));
  return {std::max<std::int64_t>(first, 0), std::min<std::int64_t>(last, axis.source)};
}

// Where the filter of an output at c is centred.
std::int64_t clamp_to_image(const Axis& axis, std::int64_t c) {
  const std::int64_t extent = axis.source * pixel;
  const std::int64_t edge = std::min(std::max(axis.pitch, pixel) / 2, extent / 2);
  return std::clamp(c, edge, extent - edge);
}

// The share, of fixed::one, of an image whose border lies `inside` of c.
std::int32_t coverage(const Axis& axis, std::int64_t inside) {
  const std::int64_t half = axis.pitch / 2;
  if (inside >= half) return fixed::one;
  if (inside <= -half) return 0;
  return static_cast<std::int32_t>(((inside + half) * fixed::one + half) / axis.pitch);
}

// Writes the filter's weights at c, which sum to `total`: differences of their rounded running sum.
void write_weights(const Axis& axis, std::int64_t c, Span span, std::int32_t total,
                   std::int16_t* weights) {
  const auto distance_weight = [&](std::int64_t k) {
    if (axis.is_box) return std::uint64_t{1};
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(axis.half_width - std::abs(k * pixel + pixel / 2 - c), 0));
  };
  std::uint64_t sum = 0;
  for (std::int64_t k = span.first; k < span.last; ++k) sum += distance_weight(k);
  const std::uint64_t reciprocal = (static_cast<std::uint64_t>(total) << 48) / sum;
  std::uint64_t running = 0;
  std::int32_t before = 0;
  for (std::int64_t k = span.first; k < span.last; ++k) {
    running += distance_weight(k);
    const auto up_to_here =
        k + 1 == span.last
            ? total
            : static_cast<std::int32_t>((running * reciprocal + (std::uint64_t{1} << 47)) >> 48);
    *weights++ = static_cast<std::int16_t>(up_to_here - before);
    before = up_to_here;
  }
}

Taps trim(Taps taps, std::int16_t* weights) {
  while (taps.count > 0 && weights[taps.count - 1] == 0) --taps.count;
  int zeros = 0;
  while (zeros < taps.count && weights[zeros] == 0) ++zeros;
  if (zeros > 0) {
    std::copy(weights + zeros, weights + taps.count, weights);
    taps.first += zeros;
    taps.count -= zeros;
  }
  return taps;
}

Taps filter_taps(const Axis& axis, std::int64_t c, std::int32_t total, std::int16_t* weights) {
  if (axis.half_width == pixel && total == fixed::one &&
      !axis.is_box) {  // the same without a division
    const std::int64_t from_centre = c - pixel / 2;
    const auto right = static_cast<std::int16_t>(from_centre & (pixel - 1));
    weights[0] = static_cast<std::int16_t>(fixed::one - right);
    if (right != 0) weights[1] = right;
    return {static_cast<int>(floor_pixel(from_centre)), right == 0 ? 1 : 2, 0};
  }
  const Span span = filter_span(axis, c);
  write_weights(axis, c, span, total, weights);
  return trim(
      {static_cast<int>(span.first), static_cast<int>(span.last - span.first), fixed::one - total},
      weights);
}

Taps nearest_taps(const Axis& axis, std::int64_t c, std::int16_t* weights) {
  const std::int64_t extent = axis.source;
  std::int64_t i = floor_pixel(c);
  if (axis.fill == FillMode::constant && (i < 0 || i >= extent)) return {0, 0, fixed::one};
  if (axis.fill == FillMode::wrap) i = modulo(i, extent);
  if (axis.fill == FillMode::reflect) i = floor_pixel(reflect(c, extent * pixel));
  i = std::clamp<std::int64_t>(i, 0, extent - 1);
  weights[0] = static_cast<std::int16_t>(fixed::one);
  return {static_cast<int>(i), 1, 0};
}

// The two border pixels of the output side by side across the seam.
Taps seam_taps(const Axis& axis, std::int32_t first_share, bool left, std::int16_t* weights) {
  const std::int64_t extent = axis.source * pixel;
  const std::int64_t first_centre = clamp_to_image(axis, 0);
  const std::int64_t last_centre = clamp_to_image(axis, extent);
  const Span first = filter_span(axis, first_centre);
  const Span last = filter_span(axis, last_centre);
  // Pixels between a span and the seam (of a narrow filter that shrinks) are taps of weight 0.
  const auto before = static_cast<int>(axis.source - last.first);
  const auto after = static_cast<int>(first.last);
  std::fill_n(weights, before + after, std::int16_t{0});
  write_weights(axis, last_centre, last, fixed::one - first_share, weights);
  write_weights(axis, first_centre, first, first_share,
                weights + before + static_cast<int>(first.first));
  return trim({(left ? 0 : axis.source) - before, before + after, 0}, weights);
}

Taps wrap_taps(const Axis& axis, std::int64_t c, std::int16_t* weights) {
  const std::int64_t extent = axis.source * pixel;
  const std::int64_t inside = modulo(c, extent);
  const std::int64_t edge = std::min(axis.pitch / 2, extent / 2);
  if (inside < edge) return seam_taps(axis, coverage(axis, inside), true, weights);
  if (inside > extent - edge) {
    return seam_taps(axis, fixed::one - coverage(axis, extent - inside), false, weights);
  }
  return filter_taps(axis, clamp_to_image(axis, inside), fixed::one, weights);
}

}  // namespace

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
  const std::int64_t extent = axis.source * pixel;
  std::int64_t c = axis.coordinate(i);
  if (axis.half_width == 0) return nearest_taps(axis, c, weights);
  switch (axis.fill) {
    case FillMode::wrap: return wrap_taps(axis, c, weights);
    case FillMode::constant: {
      const std::int32_t share = std::min(coverage(axis, c), coverage(axis, extent - c));
      if (share == 0) return {0, 0, fixed::one};
      return filter_taps(axis, clamp_to_image(axis, c), share, weights);
    }
    case FillMode::reflect: c = reflect(c, extent); break;
    case FillMode::nearest: break;
  }
  return filter_taps(axis, clamp_to_image(axis, c), fixed::one, weights);
}

int fill_index(int i, int extent, FillMode fill) {
  if (i >= 0 && i < extent) return i;
  switch (fill) {
    case FillMode::constant: return -1;
    case FillMode::nearest: return i < 0 ? 0 : extent - 1;
    case FillMode::wrap: return static_cast<int>(modulo(i, extent));
    case FillMode::reflect: {
      const std::int64_t rest = modulo(i, 2 * static_cast<std::int64_t>(extent));
      return static_cast<int>(rest < extent ? rest
                                            : 2 * static_cast<std::int64_t>(extent) - 1 - rest);
    }
  }
  return -1;
}

}  // namespace headrace
