#include "headrace/augment/hue.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "headrace/augment/pointwise.h"

namespace headrace {
namespace {

constexpr const char* name = "hue";

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const auto& range = std::get<std::vector<double>>(value);
  geometry.paint(stream_id(name), {rng.uniform(range[0], range[1])});
}

// The hexcone model of Smith, "Color gamut transform pairs", 1978; all values of 0 to 1.
std::array<float, 3> turned(float r, float g, float b, float by) {
  const float high = std::max({r, g, b});
  const float low = std::min({r, g, b});
  const float range = high - low;
  if (range == 0) return {r, g, b};
  const float saturation = range / high;
  const float red = (high - r) / range;
  const float green = (high - g) / range;
  const float blue = (high - b) / range;
  const float sextant = high == r ? blue - green : high == g ? 2 + red - blue : 4 + green - red;
  float hue = sextant / 6 + 1 + by;
  hue -= std::floor(hue);
  const float six = hue * 6;
  const float whole = std::floor(six);
  const float part = (six - whole) * saturation;
  const float p = std::clamp((1 - saturation) * high, 0.0f, 1.0f);
  const float q = std::clamp((1 - part) * high, 0.0f, 1.0f);
  const float t = std::clamp((1 - saturation + part) * high, 0.0f, 1.0f);
  switch (static_cast<int>(whole)) {
    case 1: return {q, high, p};
    case 2: return {p, high, t};
    case 3: return {p, q, high};
    case 4: return {t, p, high};
    case 5: return {high, p, q};
    default: return {high, t, p};
  }
}

constexpr auto paint = [](const PaintedValues& values, auto canvas) {
  if (!canvas.is_colour()) return;
  auto* pixel = canvas.data;
  // As torchvision goes from floats back to levels.
  constexpr float back = canvas.is_levels ? 255.999f : 255.0f;
  for (std::size_t i = 0; i < canvas.pixels(); ++i, pixel += 3) {
    const auto colour =
        turned(static_cast<float>(pixel[0]) / 255, static_cast<float>(pixel[1]) / 255,
               static_cast<float>(pixel[2]) / 255, values[0]);
    for (std::size_t c = 0; c < 3; ++c) pixel[c] = canvas.cut(colour[c] * back);
  }
};

}  // namespace

Operation hue() {
  return {range_parameter(name, "turn the hue by a share of the circle from this range: -0.1,0.1",
                          -0.5, 0.5),
          plan, true, make_pointwise_painter(name, paint)};
}

}  // namespace headrace
