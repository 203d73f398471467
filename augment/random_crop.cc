#include "headrace/augment/random_crop.h"

#include <cmath>

namespace headrace {
namespace {

Parameter parameter() {
  return fields_parameter("random_crop",
                          "cut out the output's size, unscaled, with so many pixels put around the "
                          "image before",
                          {{"padding", 0, 10000, 0}});
}

double draw_begin(int extent, int wanted, int padding, Rng& rng) {
  const int free = extent + 2 * padding - wanted;
  if (free < 0) return std::floor((extent - wanted) / 2.0);
  return static_cast<double>(rng.below(static_cast<std::uint64_t>(free) + 1)) - padding;
}

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const auto padding = static_cast<int>(std::get<std::vector<double>>(value)[0]);
  const ImageSize source = geometry.source;
  const ImageSize output = geometry.output;
  const double top = draw_begin(source.height, output.height, padding, rng);
  const double left = draw_begin(source.width, output.width, padding, rng);
  geometry.apply({.xx = static_cast<double>(output.width) / source.width,
                  .xt = left * output.width / source.width,
                  .yy = static_cast<double>(output.height) / source.height,
                  .yt = top * output.height / source.height});
}

}  // namespace

Operation random_crop() { return {parameter(), plan}; }

}  // namespace headrace
