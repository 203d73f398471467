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
  auto* pixel = canvas.data;
  for (std::size_t i = 0; i < canvas.pixels(); ++i, pixel += 3) {
    float grey = luma(pixel[0], pixel[1], pixel[2]);
    if constexpr (canvas.is_levels) grey = static_cast<float>(static_cast<int>(grey));
    const float rest = grey * (1 - factor);
    for (std::size_t c = 0; c < 3; ++c) {
      const float scaled = static_cast<float>(pixel[c]) * factor;
      pixel[c] = canvas.cut(scaled + rest);
    }
  }
};

}  // namespace

Operation saturation() {
  return {range_parameter(name, "scale colourfulness by a factor from this range", 0, 100), plan,
          true, make_pointwise_painter(name, paint)};
}

}  // namespace headrace
