#include "headrace/augment/channel_shift.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace headrace {
namespace {

constexpr const char* name = "channel_shift";

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const double range = std::get<double>(value);
  geometry.paint(stream_id(name), {rng.uniform(-range, range)});
}

constexpr auto paint = [](const PaintedValues& values, auto canvas) {
  using Value = std::remove_reference_t<decltype(canvas.data[0])>;
  const auto [low, high] = std::minmax_element(canvas.data, canvas.data + canvas.elements());
  const auto bottom = static_cast<float>(*low);
  const auto top = static_cast<float>(*high);
  for (std::size_t e = 0; e < canvas.elements(); ++e) {
    const float moved = std::clamp(static_cast<float>(canvas.data[e]) + values[0], bottom, top);
    canvas.data[e] = static_cast<Value>(canvas.is_levels ? std::floor(moved + 0.5f) : moved);
  }
};

}  // namespace

Operation channel_shift() {
  return {number_parameter(name, "add up to so many levels, either way, to all channels", 0, 255),
          plan, true, make_painter(name, paint)};
}

}  // namespace headrace
