#include "headrace/augment/shift.h"

#include <algorithm>
#include <cmath>

namespace headrace {
namespace {

enum class Side { width, height };

int extent_along(Side side, const Geometry& geometry) {
  return side == Side::width ? geometry.output.width : geometry.output.height;
}

// Keras 3 takes a height's shift for one of columns, and the other way round.
void move(Side side, double pixels, Geometry& geometry) {
  AffineMap map;
  const bool columns = (side == Side::width) != (geometry.keras == KerasVersion::keras3);
  (columns ? map.xt : map.yt) = pixels;
  geometry.apply(map);
}

template <Side side>
void plan_shift(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const double range = std::get<double>(value);
  const double pixels = range < 1 ? range * extent_along(side, geometry) : range;
  move(side, rng.uniform(-pixels, pixels), geometry);
}

template <Side side>
void plan_pixels(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const auto range = static_cast<std::int64_t>(std::get<double>(value));
  const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(2 * range - 1, 1));
  move(side, static_cast<double>(static_cast<std::int64_t>(rng.below(count)) - (range - 1)),
       geometry);
}

template <Side side>
void plan_choices(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const auto& choices = std::get<std::vector<double>>(value);
  double pixels = choices[rng.below(choices.size())];
  const bool fractions = *std::max_element(choices.begin(), choices.end()) < 1;
  if (fractions) pixels *= extent_along(side, geometry);
  // Older Kerases let a sign be drawn even of what has one.
  if (geometry.keras != KerasVersion::none && rng.chance(0.5)) pixels = -pixels;
  move(side, pixels, geometry);
}

Parameter choices_parameter(const char* name, const char* help) {
  Parameter parameter = range_parameter(name, help, -1000, 1000);
  parameter.kind = ParameterKind::numbers;
  parameter.most = 64;
  return parameter;
}

}  // namespace

Operation width_shift() {
  return {number_parameter("width_shift",
                           "move sideways by up to this fraction of the width (from 1 on: pixels)",
                           0, 1000),
          plan_shift<Side::width>};
}

Operation height_shift() {
  return {number_parameter(
              "height_shift",
              "move up or down by up to this fraction of the height (from 1 on: pixels)", 0, 1000),
          plan_shift<Side::height>};
}

Operation width_shift_pixels() {
  return {number_parameter("width_shift_pixels",
                           "move sideways by a whole number of pixels, fewer than this", 0, 1000),
          plan_pixels<Side::width>};
}

Operation height_shift_pixels() {
  return {number_parameter("height_shift_pixels",
                           "move up or down by a whole number of pixels, fewer than this", 0, 1000),
          plan_pixels<Side::height>};
}

Operation width_shift_choices() {
  return {choices_parameter("width_shift_choices",
                            "move sideways by one of these (fractions if all are below 1)"),
          plan_choices<Side::width>};
}

Operation height_shift_choices() {
  return {choices_parameter("height_shift_choices",
                            "move up or down by one of these (fractions if all are below 1)"),
          plan_choices<Side::height>};
}

}  // namespace headrace
