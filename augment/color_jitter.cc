#include "headrace/augment/color_jitter.h"

#include <algorithm>
#include <array>
#include <utility>

namespace headrace {
namespace {

Parameter parameter() {
  return fields_parameter("color_jitter",
                          "change brightness, contrast, saturation (shares) and hue (of the "
                          "circle) by up to so much, in any order",
                          {{"brightness", 0, 10, 0},
                           {"contrast", 0, 10, 0},
                           {"saturation", 0, 10, 0},
                           {"hue", 0, 0.5, 0}});
}

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  constexpr std::array kinds = {stream_id("brightness"), stream_id("contrast"),
                                stream_id("saturation"), stream_id("hue")};
  const auto& strengths = std::get<std::vector<double>>(value);
  std::array<std::size_t, kinds.size()> order = {0, 1, 2, 3};
  for (std::size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[rng.below(i + 1)]);
  std::array<double, kinds.size()> drawn{};
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const double strength = i < strengths.size() ? strengths[i] : 0;
    const double middle = i == 3 ? 0 : 1;
    const double low = i == 3 ? -strength : std::max(0.0, middle - strength);
    drawn[i] = rng.uniform(low, middle + strength);
  }
  for (const std::size_t i : order) {
    if (i < strengths.size() && strengths[i] > 0) geometry.paint(kinds[i], {drawn[i]});
  }
}

}  // namespace

Operation color_jitter() { return {parameter(), plan}; }

}  // namespace headrace
