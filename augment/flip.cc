#include "headrace/augment/flip.h"

namespace headrace {
namespace {

void plan_horizontal_flip(const ParameterValue&, Rng& rng, Geometry& geometry) {
  if (!rng.chance(0.5)) return;
  AffineMap mirror;
  mirror.xx = -1;
  mirror.xt = geometry.output.width;
  geometry.apply(mirror);
}

void plan_vertical_flip(const ParameterValue&, Rng& rng, Geometry& geometry) {
  if (!rng.chance(0.5)) return;
  AffineMap mirror;
  mirror.yy = -1;
  mirror.yt = geometry.output.height;
  geometry.apply(mirror);
}

Parameter flip_parameter(const char* name, const char* help) {
  Parameter parameter;
  parameter.name = name;
  parameter.help = help;
  return parameter;
}

}  // namespace

Operation horizontal_flip() {
  return {flip_parameter("horizontal_flip", "mirror half of the images left to right"),
          plan_horizontal_flip};
}

Operation vertical_flip() {
  return {flip_parameter("vertical_flip", "mirror half of the images top to bottom"),
          plan_vertical_flip};
}

}  // namespace headrace
