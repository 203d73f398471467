#include "headrace/augment/invert.h"

#include "headrace/augment/pointwise.h"

namespace headrace {
namespace {

constexpr const char* name = "invert";

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  if (rng.chance(std::get<double>(value))) geometry.paint(stream_id(name));
}

constexpr auto paint = [](const PaintedValues&, auto canvas) {
  if constexpr (canvas.is_levels) {
    canvas.kernels.painting->invert_from(0, canvas.data, canvas.elements());
  } else {
    for (std::size_t e = 0; e < canvas.elements(); ++e) canvas.data[e] = 255 - canvas.data[e];
  }
};

}  // namespace

Operation invert() {
  return {number_parameter(name, "make a negative, with this probability", 0, 1), plan, true,
          make_pointwise_painter(name, paint)};
}

}  // namespace headrace
