#include "headrace/augment/posterize.h"

#include <cmath>

#include "headrace/augment/pointwise.h"

namespace headrace {
namespace {

constexpr const char* name = "posterize";

Parameter parameter() {
  return fields_parameter(name, "keep so many bits of each level, with this probability",
                          {{"bits", 0, 8, 8}, {"probability", 0, 1, 0.5}});
}

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  if (!rng.chance(field_of(parameter(), value, 1))) return;
  geometry.paint(stream_id(name), {std::floor(field_of(parameter(), value, 0))});
}

constexpr auto paint = [](const PaintedValues& values, auto canvas) {
  const int lowest = 1 << (8 - static_cast<int>(values[0]));
  if constexpr (canvas.is_levels) {
    const auto mask = static_cast<std::uint8_t>(256 - lowest);
    for (std::size_t e = 0; e < canvas.elements(); ++e) canvas.data[e] &= mask;
  } else {
    const auto step = static_cast<float>(lowest);
    for (std::size_t e = 0; e < canvas.elements(); ++e) {
      canvas.data[e] = std::floor(canvas.data[e] / step) * step;
    }
  }
};

}  // namespace

Operation posterize() { return {parameter(), plan, true, make_pointwise_painter(name, paint)}; }

}  // namespace headrace
