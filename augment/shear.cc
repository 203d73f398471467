#include "headrace/augment/shear.h"

#include "headrace/augment/angle.h"

namespace headrace {
namespace {

void plan_shear(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const double range = std::get<double>(value);
  const double angle = rng.uniform(-range, range);
  geometry.turn(1, -sine(angle), 0, cosine(angle));
}

}  // namespace

Operation shear() {
  return {number_parameter("shear", "slant columns by up to so many degrees, either way", 0, 80),
          plan_shear};
}

}  // namespace headrace
