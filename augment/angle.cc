#include "headrace/augment/angle.h"

#include <cmath>
#include <numbers>

namespace headrace {
namespace {

// Taylor's series, for up to an eighth of a turn.
double series(double first, double factor, double x) {
  double term = first;
  double sum = first;
  for (int k = 0; k < 8; ++k, factor += 2) {
    term *= -x * x / (factor * (factor + 1));
    sum += term;
  }
  return sum;
}

}  // namespace

double sine(double degrees) {
  const double turns = std::nearbyint(degrees / 90);
  const double x = (degrees - turns * 90) * (std::numbers::pi / 180);
  const auto quarter = static_cast<int>(turns - 4 * std::floor(turns / 4));
  const double value = quarter % 2 == 0 ? series(x, 2, x) : series(1, 1, x);
  return quarter < 2 ? value : -value;
}

double cosine(double degrees) { return sine(degrees + 90); }

}  // namespace headrace
