#include "headrace/augment/shift.h"

namespace headrace {
namespace {

double draw_pixels(double range, int extent, Rng& rng) {
  const double pixels = range < 1 ? range * extent : range;
  return rng.uniform(-pixels, pixels);
}

void plan_width_shift(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  AffineMap move;
  move.xt = draw_pixels(std::get<double>(value), geometry.output.width, rng);
  geometry.apply(move);
}

void plan_height_shift(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  AffineMap move;
  move.yt = draw_pixels(std::get<double>(value), geometry.output.height, rng);
  geometry.apply(move);
}

Parameter shift_parameter(const char* name, const char* help) {
  Parameter parameter;
  parameter.name = name;
  parameter.help = help;
  parameter.kind = ParameterKind::number;
  parameter.default_value = 0.0;
  parameter.low = 0;
  parameter.high = 1000;
  return parameter;
}

}  // namespace

Operation width_shift() {
  return {shift_parameter("width_shift",
                          "move sideways by up to this fraction of the width (from 1 on: pixels)"),
          plan_width_shift};
}

Operation height_shift() {
  return {
      shift_parameter("height_shift",
                      "move up or down by up to this fraction of the height (from 1 on: pixels)"),
      plan_height_shift};
}

}  // namespace headrace
