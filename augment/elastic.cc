#include "headrace/augment/elastic.h"

#include <cmath>
#include <vector>

#include "headrace/augment/convolution.h"
#include "headrace/augment/warp.h"

namespace headrace {
namespace {

constexpr const char* name = "elastic";

Parameter parameter() {
  return fields_parameter(name, "move pixels by a smooth random field: its strength and softness",
                          {{"alpha", 0, 1000, 50}, {"sigma", 0.1, 50, 5}});
}

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  constexpr std::uint64_t exact = 1 << 24;  // whole numbers that a float holds
  geometry.paint(stream_id(name),
                 {field_of(parameter(), value, 0), field_of(parameter(), value, 1),
                  static_cast<double>(rng.below(exact)), static_cast<double>(rng.below(exact))});
}

constexpr auto paint = [](const PaintedValues& values, auto canvas) {
  Rng rng(static_cast<std::uint64_t>(values[2]), static_cast<std::uint64_t>(values[3]));
  const ImageShape shape = {canvas.shape.height, canvas.shape.width, 2};
  std::vector<float> field(shape.elements());
  for (float& value : field) {
    value = static_cast<float>(rng.next_u32() >> 8) * 0x1p-23f - 1;
  }
  const int size = static_cast<int>(8 * values[1] + 1) | 1;
  convolve(field, shape, gaussian_kernel(size, static_cast<double>(values[1])),
           *canvas.kernels.painting);
  const float strength = values[0] / 2;
  warp(canvas, [&](int x, int y) {
    const std::size_t at =
        2 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(shape.width) +
             static_cast<std::size_t>(x));
    return Point{static_cast<float>(x) + field[at] * strength,
                 static_cast<float>(y) + field[at + 1] * strength};
  });
};

}  // namespace

Operation elastic() { return {parameter(), plan, true, make_painter(name, paint)}; }

}  // namespace headrace
