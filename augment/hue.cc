#include "headrace/augment/hue.h"

#include <cmath>

#include "headrace/augment/hue_circle.h"
#include "headrace/augment/pointwise.h"

namespace headrace {
namespace {

constexpr const char* name = "hue";

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const auto& range = std::get<std::vector<double>>(value);
  geometry.paint(stream_id(name), {rng.uniform(range[0], range[1])});
}

constexpr auto paint = [](const PaintedValues& values, auto canvas) {
  if (!canvas.is_colour()) return;
  const float sixths = (values[0] - std::floor(values[0])) * 6;
  if constexpr (canvas.is_levels) {
    canvas.kernels.painting->turn_hue(canvas.data, canvas.pixels(), sixths);
  } else {
    auto* pixel = canvas.data;
    for (std::size_t i = 0; i < canvas.pixels(); ++i, pixel += 3) {
      paint_loops::turn_hue(pixel[0], pixel[1], pixel[2], sixths);
    }
  }
};

}  // namespace

Operation hue() {
  return {range_parameter(name, "turn the hue by a share of the circle from this range: -0.1,0.1",
                          -0.5, 0.5),
          plan, true, make_pointwise_painter(name, paint)};
}

}  // namespace headrace
