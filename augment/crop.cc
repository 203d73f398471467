#include "headrace/augment/crop.h"

#include <algorithm>
#include <cmath>

namespace headrace {
namespace {

struct Crop {
  double top = 0;
  double left = 0;
  double height = 0;
  double width = 0;
};

// Makes the output of a part of the source.
void take(const Crop& crop, Geometry& geometry) {
  AffineMap map;
  map.xx = crop.width / geometry.source.width;
  map.yy = crop.height / geometry.source.height;
  map.xt = crop.left / geometry.source.width * geometry.output.width;
  map.yt = crop.top / geometry.source.height * geometry.output.height;
  geometry.apply(map);
}

Crop central_crop(ImageSize source, double low_ratio, double high_ratio) {
  int height = source.height;
  int width = source.width;
  const double ratio = static_cast<double>(width) / height;
  if (ratio < low_ratio) {
    height = std::max(static_cast<int>(std::lround(width / low_ratio)), 1);
  } else if (ratio > high_ratio) {
    width = std::max(static_cast<int>(std::lround(height * high_ratio)), 1);
  }
  return {static_cast<double>((source.height - height) / 2),
          static_cast<double>((source.width - width) / 2), static_cast<double>(height),
          static_cast<double>(width)};
}

Crop draw_crop(const std::vector<double>& ranges, ImageSize source, Rng& rng) {
  const double low_ratio = ranges.size() > 2 ? ranges[2] : 3.0 / 4;
  const double high_ratio = ranges.size() > 2 ? ranges[3] : 4.0 / 3;
  const double area = static_cast<double>(source.height) * source.width;
  constexpr int attempts = 10;
  for (int i = 0; i < attempts; ++i) {
    const double wanted = area * rng.uniform(ranges[0], ranges[1]);
    const double ratio = std::exp(rng.uniform(std::log(low_ratio), std::log(high_ratio)));
    const double width = std::nearbyint(std::sqrt(wanted * ratio));
    const double height = std::nearbyint(std::sqrt(wanted / ratio));
    if (width < 1 || height < 1 || width > source.width || height > source.height) continue;
    const auto top = rng.below(static_cast<std::uint64_t>(source.height - height) + 1);
    const auto left = rng.below(static_cast<std::uint64_t>(source.width - width) + 1);
    return {static_cast<double>(top), static_cast<double>(left), height, width};
  }
  return central_crop(source, low_ratio, high_ratio);
}

void plan_random_resized_crop(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  take(draw_crop(std::get<std::vector<double>>(value), geometry.source, rng), geometry);
}

// Where a cut of `wanted` pixels begins, as torchvision's center_crop places it.
double centred(std::int64_t extent, std::int64_t wanted) {
  if (extent < wanted) return static_cast<double>(-((wanted - extent) / 2));
  return std::nearbyint(static_cast<double>(extent - wanted) / 2);
}

void plan_short_side(const ParameterValue& value, Rng&, Geometry& geometry) {
  const std::int64_t side = std::max(std::lround(std::get<double>(value)), 1L);
  const ImageSize source = geometry.source;
  const std::int64_t shorter = std::min(source.height, source.width);
  const std::int64_t height = side * source.height / shorter;
  const std::int64_t width = side * source.width / shorter;
  const double pixel_height = static_cast<double>(source.height) / static_cast<double>(height);
  const double pixel_width = static_cast<double>(source.width) / static_cast<double>(width);
  take({centred(height, geometry.output.height) * pixel_height,
        centred(width, geometry.output.width) * pixel_width, geometry.output.height * pixel_height,
        geometry.output.width * pixel_width},
       geometry);
}

void plan_center_crop(const ParameterValue& value, Rng&, Geometry& geometry) {
  const ImageSize source = geometry.source;
  const double scale = std::min(static_cast<double>(source.height) / geometry.output.height,
                                static_cast<double>(source.width) / geometry.output.width) *
                       std::get<double>(value);
  const double height = geometry.output.height * scale;
  const double width = geometry.output.width * scale;
  take({(source.height - height) / 2, (source.width - width) / 2, height, width}, geometry);
}

}  // namespace

Operation random_resized_crop() {
  Parameter parameter;
  parameter.name = "random_resized_crop";
  parameter.help =
      "take a random part: range of its share of the area, then of width / height (0.75,1.3333)";
  parameter.kind = ParameterKind::ranges;
  parameter.default_value = std::vector<double>{};
  parameter.low = 1e-6;
  parameter.high = 1000;
  parameter.most = 2;
  return {parameter, plan_random_resized_crop, true};
}

Operation short_side() {
  return {number_parameter("short_side",
                           "resize the shorter side to so many pixels, then cut out the centre", 0,
                           1 << 15),
          plan_short_side, false};
}

Operation center_crop() {
  return {number_parameter("center_crop",
                           "take the centre: this share of the largest part in proportion", 0, 1),
          plan_center_crop, false};
}

}  // namespace headrace
