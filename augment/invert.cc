#include "headrace/augment/invert.h"

#include <type_traits>

#include "headrace/augment/pointwise.h"

namespace headrace {
namespace {

constexpr const char* name = "invert";

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  if (rng.chance(std::get<double>(value))) geometry.paint(stream_id(name));
}

constexpr auto paint = [](const PaintedValues&, auto canvas) {
  using Value = std::remove_reference_t<decltype(canvas.data[0])>;
  for (std::size_t e = 0; e < canvas.elements(); ++e) {
    canvas.data[e] = static_cast<Value>(255 - canvas.data[e]);
  }
};

}  // namespace

Operation invert() {
  return {number_parameter(name, "make a negative, with this probability", 0, 1), plan, true,
          make_pointwise_painter(name, paint)};
}

}  // namespace headrace
