#pragma once

#include <algorithm>
#include <cstdint>

#include "headrace/augment/axis.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/augment/host_device.h"

// How far a filter reaches and what it weighs, in fixed point (axis.h), on the host or in a kernel.
// Not installed.
namespace headrace::taps {

using fixed::pixel;

HEADRACE_HOST_DEVICE inline std::int64_t magnitude(std::int64_t value) {
  return value < 0 ? -value : value;
}

HEADRACE_HOST_DEVICE inline std::int64_t floor_pixel(std::int64_t c) {
  return c >> fixed::coordinate_bits;
}

HEADRACE_HOST_DEVICE inline std::int64_t modulo(std::int64_t a, std::int64_t n) {
  const std::int64_t rest = a % n;
  return rest < 0 ? rest + n : rest;
}

// Into [0, extent], mirrored at both ends.
HEADRACE_HOST_DEVICE inline std::int64_t reflect(std::int64_t c, std::int64_t extent) {
  const std::int64_t rest = modulo(c, 2 * extent);
  return rest <= extent ? rest : 2 * extent - rest;
}

struct Span {
  std::int64_t first;
  std::int64_t last;  // past the end
};

// Image indices whose centres lie within the filter at c; at least one for c inside the image.
HEADRACE_HOST_DEVICE inline Span filter_span(const Axis& axis, std::int64_t c) {
  const std::int64_t f = axis.half_width;
  const std::int64_t first = floor_pixel(c - f - pixel / 2) + 1;
  const std::int64_t last =
      axis.is_box ? floor_pixel(c + f - pixel / 2) + 1 : -floor_pixel(-(c + f - pixel / 2));
  return {std::max<std::int64_t>(first, 0), std::min<std::int64_t>(last, axis.source)};
}

// Where the filter of an output at c is centred.
HEADRACE_HOST_DEVICE inline std::int64_t clamp_to_image(const Axis& axis, std::int64_t c) {
  const std::int64_t extent = axis.source * pixel;
  const std::int64_t edge = std::min(std::max(axis.pitch, std::int64_t{pixel}) / 2, extent / 2);
  return std::clamp(c, edge, extent - edge);
}

// The share, of fixed::one, of an image whose border lies `inside` of c.
HEADRACE_HOST_DEVICE inline std::int32_t coverage(const Axis& axis, std::int64_t inside) {
  const std::int64_t half = axis.pitch / 2;
  if (inside >= half) return fixed::one;
  if (inside <= -half) return 0;
  return static_cast<std::int32_t>(((inside + half) * fixed::one + half) / axis.pitch);
}

// Of image index k, for a filter at c.
HEADRACE_HOST_DEVICE inline std::uint64_t distance_weight(const Axis& axis, std::int64_t c,
                                                          std::int64_t k) {
  if (axis.is_box) return 1;
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(axis.half_width - magnitude(k * pixel + pixel / 2 - c), 0));
}

// Writes the filter's weights at c, which sum to `total`: differences of their rounded running sum.
HEADRACE_HOST_DEVICE inline void write_weights(const Axis& axis, std::int64_t c, Span span,
                                               std::int32_t total, std::int16_t* weights) {
  std::uint64_t sum = 0;
  for (std::int64_t k = span.first; k < span.last; ++k) sum += distance_weight(axis, c, k);
  const std::uint64_t reciprocal = (static_cast<std::uint64_t>(total) << 48) / sum;
  std::uint64_t running = 0;
  std::int32_t before = 0;
  for (std::int64_t k = span.first; k < span.last; ++k) {
    running += distance_weight(axis, c, k);
    const auto up_to_here =
        k + 1 == span.last
            ? total
            : static_cast<std::int32_t>((running * reciprocal + (std::uint64_t{1} << 47)) >> 48);
    *weights++ = static_cast<std::int16_t>(up_to_here - before);
    before = up_to_here;
  }
}

}  // namespace headrace::taps
