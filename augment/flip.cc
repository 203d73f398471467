#include "headrace/augment/flip.h"

namespace headrace {
namespace {

void mirror_columns(Geometry& geometry) {
  geometry.apply({.xx = -1, .xt = static_cast<double>(geometry.output.width)});
}

void plan_horizontal_flip(const ParameterValue&, Rng& rng, Geometry& geometry) {
  if (rng.chance(0.5)) mirror_columns(geometry);
}

void plan_vertical_flip(const ParameterValue&, Rng& rng, Geometry& geometry) {
  if (rng.chance(0.5)) {
    geometry.apply({.yy = -1, .yt = static_cast<double>(geometry.output.height)});
  }
}

void plan_alternating_flip(const ParameterValue&, Rng& rng, Geometry& geometry) {
  const bool at_first = rng.for_epoch(0).chance(0.5);
  if (at_first != (rng.epoch() % 2 == 1)) mirror_columns(geometry);
}

}  // namespace

Operation horizontal_flip() {
  return {flag_parameter("horizontal_flip", "mirror half of the images left to right"),
          plan_horizontal_flip};
}

Operation vertical_flip() {
  return {flag_parameter("vertical_flip", "mirror half of the images top to bottom"),
          plan_vertical_flip};
}

Operation alternating_flip() {
  return {
      flag_parameter("alternating_flip", "mirror each image left to right in every other epoch"),
      plan_alternating_flip};
}

}  // namespace headrace
