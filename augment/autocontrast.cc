#include "headrace/augment/autocontrast.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "headrace/augment/level_tables.h"

namespace headrace {
namespace {

constexpr const char* name = "autocontrast";

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  if (rng.chance(std::get<double>(value))) geometry.paint(stream_id(name));
}

// What a value becomes if its channel's go from `bottom` to `bottom` + 255 `scale`.
template <class T>
T stretched(T value, float bottom, float scale) {
  return Canvas<T>::cut((static_cast<float>(value) - bottom) / scale);
}

void paint_levels(const Canvas<std::uint8_t>& canvas) {
  const std::size_t channels = canvas.channels();
  const PaintKernels& kernels = *canvas.kernels.painting;
  // So many pixels that vectors are long.
  const std::size_t pixels = std::min<std::size_t>(canvas.pixels(), 64);
  std::vector<std::uint8_t> least(pixels * channels);
  std::vector<std::uint8_t> greatest(pixels * channels);
  kernels.find_range(canvas.data, canvas.elements(), pixels * channels, least.data(),
                     greatest.data());
  std::vector<LevelTable> tables(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    std::uint8_t low = least[c];
    std::uint8_t high = greatest[c];
    for (std::size_t e = c; e < least.size(); e += channels) {
      low = std::min(low, least[e]);
      high = std::max(high, greatest[e]);
    }
    std::iota(tables[c].begin(), tables[c].end(), std::uint8_t{0});
    if (low == high) continue;
    const float bottom = low;
    const float scale = (static_cast<float>(high) - bottom) * (1 / 255.0f);
    for (std::uint8_t& level : tables[c]) level = stretched(level, bottom, scale);
  }
  look_up(canvas, tables);
}

constexpr auto paint = [](const PaintedValues&, auto canvas) {
  if constexpr (canvas.is_levels) return paint_levels(canvas);
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
      canvas.data[e] = stretched(canvas.data[e], bottom, scale);
    }
  }
};

}  // namespace

Operation autocontrast() {
  return {number_parameter(name, "stretch each channel to all levels, with this probability", 0, 1),
          plan, true, make_painter(name, paint)};
}

}  // namespace headrace
