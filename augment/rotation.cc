#include "headrace/augment/rotation.h"

#include "headrace/augment/angle.h"

namespace headrace {
namespace {

void plan_rotation(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const double range = std::get<double>(value);
  const double angle = rng.uniform(-range, range);
  geometry.turn(cosine(angle), -sine(angle), sine(angle), cosine(angle));
}

}  // namespace

Operation rotation() {
  return {number_parameter("rotation", "turn by up to so many degrees, either way", 0, 360),
          plan_rotation};
}

}  // namespace headrace
