#include "headrace/augment/brightness.h"

#include "headrace/augment/pointwise.h"

namespace headrace {
namespace {

constexpr const char* name = "brightness";

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const auto& range = std::get<std::vector<double>>(value);
  geometry.paint(stream_id(name), {rng.uniform(range[0], range[1])});
}

constexpr auto paint = [](const PaintedValues& values, auto canvas) {
  if constexpr (canvas.is_levels) {
    canvas.kernels.scale_levels(canvas.data, canvas.elements(), values[0], 0);
  } else {
    for (std::size_t e = 0; e < canvas.elements(); ++e) canvas.data[e] *= values[0];
  }
};

}  // namespace

Operation brightness() {
  return {range_parameter(name, "multiply by a factor from this range: 0.6,1.4", 0, 100), plan,
          true, make_pointwise_painter(name, paint)};
}

}  // namespace headrace
