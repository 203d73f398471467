#include "headrace/augment/blur.h"

#include <algorithm>
#include <cmath>

#include "headrace/augment/convolution.h"

namespace headrace {
namespace {

constexpr const char* name = "blur";

Parameter parameter() {
  return fields_parameter(
      name, "blur by a Gaussian of so many taps (odd) and a deviation between low and high",
      {{"size", 1, 63, 3},
       {"low", 0.01, 20, 0.1},
       {"high", 0.01, 20, 2},
       {"probability", 0, 1, 1}});
}

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const double low = field_of(parameter(), value, 1);
  const double high = std::max(low, field_of(parameter(), value, 2));
  const double deviation = rng.uniform(low, high);
  if (!rng.chance(field_of(parameter(), value, 3))) return;
  geometry.paint(stream_id(name), {std::floor(field_of(parameter(), value, 0)), deviation});
}

constexpr auto paint = [](const PaintedValues& values, auto canvas) {
  const std::vector<float> kernel =
      gaussian_kernel(static_cast<int>(values[0]) | 1, static_cast<double>(values[1]));
  convolve(canvas.data, canvas.shape, kernel, *canvas.kernels.painting);
};

}  // namespace

Operation blur() { return {parameter(), plan, true, make_painter(name, paint)}; }

}  // namespace headrace
