#include "headrace/augment/sharpen.h"

#include <algorithm>

namespace headrace {
namespace {

constexpr const char* name = "sharpen";

Parameter parameter() {
  return fields_parameter(name,
                          "sharpen (from 1 on; blur below) by a factor, with this probability",
                          {{"factor", 0, 100, 1}, {"probability", 0, 1, 0.5}});
}

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  if (!rng.chance(field_of(parameter(), value, 1))) return;
  geometry.paint(stream_id(name), {field_of(parameter(), value, 0)});
}

constexpr auto paint = [](const PaintedValues& values, auto canvas) {
  const auto [height, width, channel_count] = canvas.shape;
  if (height <= 2 || width <= 2) return;
  const std::size_t channels = canvas.channels();
  const std::size_t pitch = static_cast<std::size_t>(width) * channels;
  auto* before = canvas.spare_canvas();
  std::copy_n(canvas.data, canvas.elements(), before);
  for (int y = 1; y + 1 < height; ++y) {
    const auto* middle = before + static_cast<std::size_t>(y) * pitch;
    const auto* above = middle - pitch;
    const auto* below = middle + pitch;
    auto* out = canvas.data + static_cast<std::size_t>(y) * pitch;
    if constexpr (canvas.is_levels) {
      canvas.kernels.painting->sharpen(above, middle, below, channels, pitch, 1 - values[0], out);
      continue;
    }
    for (std::size_t e = channels; e < pitch - channels; ++e) {
      const auto three = [&](const auto* row) {
        return static_cast<float>(row[e - channels]) + static_cast<float>(row[e]) +
               static_cast<float>(row[e + channels]);
      };
      const auto centre = static_cast<float>(middle[e]);
      const float soft = (three(above) + three(middle) + three(below) + 4 * centre) * (1 / 13.0f);
      const float change = (soft - centre) * (1 - values[0]);
      out[e] = canvas.cut(centre + change);
    }
  }
};

}  // namespace

Operation sharpen() { return {parameter(), plan, true, make_painter(name, paint)}; }

}  // namespace headrace
