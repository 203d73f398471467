#include "headrace/augment/zoom.h"

namespace headrace {
namespace {

void plan_zoom(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const auto& range = std::get<std::vector<double>>(value);
  const double x = rng.uniform(range[0], range[1]);
  const double y = rng.uniform(range[0], range[1]);
  geometry.turn(x, 0, 0, y);
}

}  // namespace

Operation zoom() {
  return {range_parameter("zoom",
                          "see so many times as much, across and down by factors of their own: "
                          "0.8,1.2 for larger by up to 1/4 to smaller by up to 1/6",
                          0.01, 100),
          plan_zoom};
}

}  // namespace headrace
