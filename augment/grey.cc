#include "headrace/augment/grey.h"

#include "headrace/augment/pointwise.h"

namespace headrace {
namespace {

constexpr const char* name = "grey";

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  if (rng.chance(std::get<double>(value))) geometry.paint(stream_id(name));
}

constexpr auto paint = [](const PaintedValues&, auto canvas) {
  if (!canvas.is_colour()) return;
  if constexpr (canvas.is_levels) {
    canvas.kernels.painting->to_grey(canvas.data, canvas.pixels());
  } else {
    auto* pixel = canvas.data;
    for (std::size_t i = 0; i < canvas.pixels(); ++i, pixel += 3) {
      pixel[0] = pixel[1] = pixel[2] = luma(pixel[0], pixel[1], pixel[2]);
    }
  }
};

}  // namespace

Operation grey() {
  return {number_parameter(name, "take the colour out, with this probability", 0, 1), plan, true,
          make_pointwise_painter(name, paint)};
}

}  // namespace headrace
