#include "headrace/augment/solarize.h"

#include <algorithm>
#include <cmath>

#include "headrace/augment/pointwise.h"

namespace headrace {
namespace {

constexpr const char* name = "solarize";

Parameter parameter() {
  return fields_parameter(name, "invert levels from a threshold on, with this probability",
                          {{"threshold", 0, 255, 128}, {"probability", 0, 1, 0.5}});
}

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  if (!rng.chance(field_of(parameter(), value, 1))) return;
  geometry.paint(stream_id(name), {field_of(parameter(), value, 0)});
}

constexpr auto paint = [](const PaintedValues& values, auto canvas) {
  if constexpr (canvas.is_levels) {
    const float threshold = std::clamp(std::ceil(values[0]), 0.0f, 255.0f);
    canvas.kernels.painting->invert_from(static_cast<std::uint8_t>(threshold), canvas.data,
                                         canvas.elements());
  } else {
    for (std::size_t e = 0; e < canvas.elements(); ++e) {
      const float value = canvas.data[e];
      canvas.data[e] = value >= values[0] ? 255 - value : value;
    }
  }
};

}  // namespace

Operation solarize() { return {parameter(), plan, true, make_pointwise_painter(name, paint)}; }

}  // namespace headrace
