#pragma once

#include <algorithm>
#include <cstdint>

#include "headrace/augment/axis.h"
#include "headrace/augment/filter_weights.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/augment/host_device.h"

// make_taps() and fill_index() of axis.h as whoever renders computes them, on the host or in a
// kernel. Not installed.
namespace headrace::taps {

HEADRACE_HOST_DEVICE inline Taps trim(Taps taps, std::int16_t* weights) {
  while (taps.count > 0 && weights[taps.count - 1] == 0) --taps.count;
  int zeros = 0;
  while (zeros < taps.count && weights[zeros] == 0) ++zeros;
  if (zeros > 0) {
    for (int k = zeros; k < taps.count; ++k) weights[k - zeros] = weights[k];
    taps.first += zeros;
    taps.count -= zeros;
  }
  return taps;
}

HEADRACE_HOST_DEVICE inline Taps filter_taps(const Axis& axis, std::int64_t c, std::int32_t total,
                                             std::int16_t* weights) {
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

HEADRACE_HOST_DEVICE inline Taps nearest_taps(const Axis& axis, std::int64_t c,
                                              std::int16_t* weights) {
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
HEADRACE_HOST_DEVICE inline Taps seam_taps(const Axis& axis, std::int32_t first_share, bool left,
                                           std::int16_t* weights) {
  const std::int64_t extent = axis.source * pixel;
  const std::int64_t first_centre = clamp_to_image(axis, 0);
  const std::int64_t last_centre = clamp_to_image(axis, extent);
  const Span first = filter_span(axis, first_centre);
  const Span last = filter_span(axis, last_centre);
  // Pixels between a span and the seam (of a narrow filter that shrinks) are taps of weight 0.
  const auto before = static_cast<int>(axis.source - last.first);
  const auto after = static_cast<int>(first.last);
  for (int k = 0; k < before + after; ++k) weights[k] = 0;
  write_weights(axis, last_centre, last, fixed::one - first_share, weights);
  write_weights(axis, first_centre, first, first_share,
                weights + before + static_cast<int>(first.first));
  return trim({(left ? 0 : axis.source) - before, before + after, 0}, weights);
}

HEADRACE_HOST_DEVICE inline Taps wrap_taps(const Axis& axis, std::int64_t c,
                                           std::int16_t* weights) {
  const std::int64_t extent = axis.source * pixel;
  const std::int64_t inside = modulo(c, extent);
  const std::int64_t edge = std::min(axis.pitch / 2, extent / 2);
  if (inside < edge) return seam_taps(axis, coverage(axis, inside), true, weights);
  if (inside > extent - edge) {
    return seam_taps(axis, fixed::one - coverage(axis, extent - inside), false, weights);
  }
  return filter_taps(axis, clamp_to_image(axis, inside), fixed::one, weights);
}

HEADRACE_HOST_DEVICE inline Taps make(const Axis& axis, int i, std::int16_t* weights) {
  const std::int64_t extent = axis.source * pixel;
  std::int64_t c = fixed::coordinate(axis.origin, axis.step, i);
  if (axis.half_width == 0) return nearest_taps(axis, c, weights);
  switch (axis.fill) {
    case FillMode::wrap: return wrap_taps(axis, c, weights);
    case FillMode::constant: {
      const std::int32_t share = std::min(coverage(axis, c), coverage(axis, extent - c));
      if (share == 0) return {0, 0, fixed::one};
      return filter_taps(axis, clamp_to_image(axis, c), share, weights);
    }
    case FillMode::reflect: c = reflect(c, extent); break;
    default: break;
  }
  return filter_taps(axis, clamp_to_image(axis, c), fixed::one, weights);
}

HEADRACE_HOST_DEVICE inline int fill_index(int i, int extent, FillMode fill) {
  if (i >= 0 && i < extent) return i;
  switch (fill) {
    case FillMode::constant:
    case FillMode::scipy_constant: return -1;
    case FillMode::nearest: return i < 0 ? 0 : extent - 1;
    case FillMode::wrap: return static_cast<int>(modulo(i, extent));
    case FillMode::reflect: {
      const std::int64_t rest = modulo(i, 2 * static_cast<std::int64_t>(extent));
      return static_cast<int>(rest < extent ? rest
                                            : 2 * static_cast<std::int64_t>(extent) - 1 - rest);
    }
    case FillMode::mirror:
    case FillMode::scipy_wrap: {
      const std::int64_t last = extent - 1;
      if (last == 0) return 0;
      const std::int64_t rest = modulo(i, fill == FillMode::mirror ? 2 * last : last);
      return static_cast<int>(rest <= last ? rest : 2 * last - rest);
    }
  }
  return -1;
}

}  // namespace headrace::taps
