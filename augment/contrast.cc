#include "headrace/augment/contrast.h"

#include <cmath>

namespace headrace {
namespace {

constexpr const char* name = "contrast";

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const auto& range = std::get<std::vector<double>>(value);
  geometry.paint(stream_id(name), {rng.uniform(range[0], range[1])});
}

template <class T>
float mean_brightness(const Canvas<T>& canvas) {
  if constexpr (Canvas<T>::is_levels) {
    if (canvas.is_colour()) {
      const std::uint64_t sum = canvas.kernels.painting->sum_luma(canvas.data, canvas.pixels());
      return static_cast<float>(static_cast<double>(sum) / static_cast<double>(canvas.pixels()));
    }
  }
  double sum = 0;
  const T* pixel = canvas.data;
  for (std::size_t i = 0; i < canvas.pixels(); ++i, pixel += canvas.channels()) {
    float grey = static_cast<float>(pixel[0]);
    if (canvas.is_colour()) {
      grey = luma(static_cast<float>(pixel[0]), static_cast<float>(pixel[1]),
                  static_cast<float>(pixel[2]));
    }
    sum += static_cast<double>(canvas.is_levels ? std::floor(grey) : grey);
  }
  return static_cast<float>(sum / static_cast<double>(canvas.pixels()));
}

constexpr auto paint = [](const PaintedValues& values, auto canvas) {
  const float factor = values[0];
  const float rest = mean_brightness(canvas) * (1 - factor);
  if constexpr (canvas.is_levels) {
    canvas.kernels.scale_levels(canvas.data, canvas.elements(), factor, rest);
  } else {
    for (std::size_t e = 0; e < canvas.elements(); ++e) {
      const float scaled = canvas.data[e] * factor;
      canvas.data[e] = scaled + rest;
    }
  }
};

}  // namespace

Operation contrast() {
  return {
      range_parameter(name, "scale differences from the mean by a factor from this range", 0, 100),
      plan, true, make_painter(name, paint)};
}

}  // namespace headrace
