#include "headrace/augment/saturation.h"

#include <cmath>

#include "headrace/augment/pointwise.h"

namespace headrace {
namespace {

constexpr const char* name = "saturation";

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const auto& range = std::get<std::vector<double>>(value);
  geometry.paint(stream_id(name), {rng.uniform(range[0], range[1])});
}

constexpr auto paint = [](const PaintedValues& values, auto canvas) {
  if (!canvas.is_colour()) return;
  const float factor = values[0];
  if constexpr (canvas.is_levels) {
    canvas.kernels.painting->scale_saturation(canvas.data, canvas.pixels(), factor);
  } else {
    auto* pixel = canvas.data;
    for (std::size_t i = 0; i < canvas.pixels(); ++i, pixel += 3) {
      const float rest = luma(pixel[0], pixel[1], pixel[2]) * (1 - factor);
      for (std::size_t c = 0; c < 3; ++c) {
        const float scaled = pixel[c] * factor;
        pixel[c] = scaled + rest;
      }
    }
  }
};

}  // namespace

Operation saturation() {
  return {range_parameter(name, "scale colourfulness by a factor from this range", 0, 100), plan,
          true, make_pointwise_painter(name, paint)};
}

}  // namespace headrace
