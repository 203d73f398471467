#include "headrace/augment/random_erasing.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace headrace {
namespace {

constexpr const char* name = "random_erasing";

Parameter erasing_parameter() {
  return fields_parameter(name,
                          "with this probability make a rectangle, of a share of the area between "
                          "low and high, one level",
                          {{"probability", 0, 1, 0.5},
                           {"low", 0, 1, 0.02},
                           {"high", 0, 1, 0.33},
                           {"level", 0, 255, 0}});
}

Parameter cutout_parameter() {
  return fields_parameter("cutout", "make a square of so many pixels one level",
                          {{"size", 0, 10000, 0}, {"level", 0, 255, 0}});
}

void plan_erasing(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const Parameter parameter = erasing_parameter();
  if (!rng.chance(field_of(parameter, value, 0))) return;
  const double low = field_of(parameter, value, 1);
  const double high = std::max(low, field_of(parameter, value, 2));
  const auto [height, width] = geometry.output;
  constexpr int attempts = 10;
  for (int i = 0; i < attempts; ++i) {
    const double area = rng.uniform(low, high) * height * width;
    const double ratio = std::exp(rng.uniform(std::log(0.3), std::log(3.3)));
    const auto tall = static_cast<int>(std::lround(std::sqrt(area * ratio)));
    const auto broad = static_cast<int>(std::lround(std::sqrt(area / ratio)));
    if (tall >= height || broad >= width) continue;
    const auto top = rng.below(static_cast<std::uint64_t>(height - tall) + 1);
    const auto left = rng.below(static_cast<std::uint64_t>(width - broad) + 1);
    geometry.paint(stream_id(name),
                   {static_cast<double>(top), static_cast<double>(left), static_cast<double>(tall),
                    static_cast<double>(broad), field_of(parameter, value, 3)});
    return;
  }
}

void plan_cutout(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const Parameter parameter = cutout_parameter();
  const auto size = static_cast<int>(field_of(parameter, value, 0));
  const auto [height, width] = geometry.output;
  const int top = static_cast<int>(rng.below(static_cast<std::uint64_t>(height))) - size / 2;
  const int left = static_cast<int>(rng.below(static_cast<std::uint64_t>(width))) - size / 2;
  const int first_row = std::max(top, 0);
  const int first_column = std::max(left, 0);
  const int rows = std::min(top + size, height) - first_row;
  const int columns = std::min(left + size, width) - first_column;
  geometry.paint(stream_id(name), {static_cast<double>(first_row),
                                   static_cast<double>(first_column), static_cast<double>(rows),
                                   static_cast<double>(columns), field_of(parameter, value, 1)});
}

constexpr auto paint = [](const PaintedValues& values, auto canvas) {
  using Value = std::remove_reference_t<decltype(canvas.data[0])>;
  const auto top = static_cast<std::size_t>(values[0]);
  const auto left = static_cast<std::size_t>(values[1]) * canvas.channels();
  const auto height = static_cast<std::size_t>(values[2]);
  const auto width = static_cast<std::size_t>(values[3]) * canvas.channels();
  const std::size_t pitch = static_cast<std::size_t>(canvas.shape.width) * canvas.channels();
  for (std::size_t y = top; y < top + height; ++y) {
    std::fill_n(canvas.data + y * pitch + left, width, static_cast<Value>(values[4]));
  }
};

}  // namespace

Operation random_erasing() {
  return {erasing_parameter(), plan_erasing, true, make_painter(name, paint)};
}

Operation cutout() { return {cutout_parameter(), plan_cutout}; }

}  // namespace headrace
