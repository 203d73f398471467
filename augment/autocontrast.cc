#include "headrace/augment/autocontrast.h"

#include <algorithm>

namespace headrace {
namespace {

constexpr const char* name = "autocontrast";

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  if (rng.chance(std::get<double>(value))) geometry.paint(stream_id(name));
}

constexpr auto paint = [](const PaintedValues&, auto canvas) {
  const std::size_t channels = canvas.channels();
  for (std::size_t c = 0; c < channels; ++c) {
    auto low = canvas.data[c];
    auto high = low;
    for (std::size_t e = c; e < canvas.elements(); e += channels) {
      low = std::min(low, canvas.data[e]);
      high = std::max(high, canvas.data[e]);
    }
    if (low == high) continue;
    const float bottom = static_cast<float>(low);
    const float scale = (static_cast<float>(high) - bottom) * (1 / 255.0f);
    for (std::size_t e = c; e < canvas.elements(); e += channels) {
      canvas.data[e] = canvas.cut((static_cast<float>(canvas.data[e]) - bottom) / scale);
    }
  }
};

}  // namespace

Operation autocontrast() {
  return {number_parameter(name, "stretch each channel to all levels, with this probability", 0, 1),
          plan, true, make_painter(name, paint)};
}

}  // namespace headrace
