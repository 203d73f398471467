#include "headrace/augment/perspective.h"

#include <array>
#include <cmath>
#include <utility>

#include "headrace/augment/warp.h"

namespace headrace {
namespace {

constexpr const char* name = "perspective";

Parameter parameter() {
  return fields_parameter(name, "tilt by up to this share of half the size, with this probability",
                          {{"distortion", 0, 1, 0.5}, {"probability", 0, 1, 0.5}});
}

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const double distortion = field_of(parameter(), value, 0);
  if (!rng.chance(field_of(parameter(), value, 1))) return;
  const auto [height, width] = geometry.output;
  const auto inwards = [&](int extent) {
    const auto most = static_cast<std::uint64_t>(distortion * (extent / 2)) + 1;
    return static_cast<double>(rng.below(most));
  };
  std::array<double, 8> moved{};  // by the corners in turn, clockwise from the top left
  for (std::size_t i = 0; i < moved.size(); i += 2) {
    moved[i] = inwards(width);
    moved[i + 1] = inwards(height);
  }
  geometry.paint(stream_id(name),
                 {moved[0], moved[1], moved[2], moved[3], moved[4], moved[5], moved[6], moved[7]});
}

using Row = std::array<double, 9>;

// x' = (a x + b y + c) / (g x + h y + 1), y' = (d x + e y + f) / (the same), such that four corners
// `moved` inwards come from where the corners of the image are. By Gauss' elimination.
std::array<double, 8> coefficients(const PaintedValues& moved, double right, double bottom) {
  const std::array<double, 8> corners = {0, 0, right, 0, right, bottom, 0, bottom};
  std::array<Row, 8> rows{};
  for (std::size_t i = 0; i < 8; i += 2) {
    const double from_x = corners[i];
    const double from_y = corners[i + 1];
    const double x = std::abs(from_x - static_cast<double>(moved[i]));
    const double y = std::abs(from_y - static_cast<double>(moved[i + 1]));
    rows[i] = {x, y, 1, 0, 0, 0, -from_x * x, -from_x * y, from_x};
    rows[i + 1] = {0, 0, 0, x, y, 1, -from_y * x, -from_y * y, from_y};
  }
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t best = i;
    for (std::size_t r = i + 1; r < 8; ++r) {
      if (std::abs(rows[r][i]) > std::abs(rows[best][i])) best = r;
    }
    std::swap(rows[i], rows[best]);
    if (rows[i][i] == 0) return {1, 0, 0, 0, 1, 0, 0, 0};  // corners that met
    for (std::size_t r = 0; r < 8; ++r) {
      const double factor = rows[r][i] / rows[i][i];
      if (r == i || factor == 0) continue;
      for (std::size_t c = i; c < 9; ++c) rows[r][c] -= factor * rows[i][c];
    }
  }
  std::array<double, 8> solution{};
  for (std::size_t i = 0; i < 8; ++i) solution[i] = rows[i][8] / rows[i][i];
  return solution;
}

class Tilt final : public Motion {
 public:
  Tilt(const PaintedValues& moved, ImageSize size, const Kernels& kernels, std::vector<std::byte>*)
      : kernels_(*kernels.painting),
        width_(static_cast<std::size_t>(size.width)),
        k_(coefficients(moved, size.width - 1, size.height - 1)),
        // Columns of the inverse matrix, but for a factor.
        inverse_{k_[4] - k_[5] * k_[7],         k_[2] * k_[7] - k_[1],
                 k_[1] * k_[5] - k_[2] * k_[4], k_[5] * k_[6] - k_[3],
                 k_[0] - k_[2] * k_[6],         k_[2] * k_[3] - k_[0] * k_[5],
                 k_[3] * k_[7] - k_[4] * k_[6], k_[1] * k_[6] - k_[0] * k_[7],
                 k_[0] * k_[4] - k_[1] * k_[3]} {}

  // As torchvision has it: corners are at whole numbers, pixels half between them.
  void sources(int row, std::int32_t* x, std::int32_t* y) const override {
    const double down = row + 0.5;
    const ProjectedRow line = {
        .x_step = k_[0],
        .x = k_[0] * 0.5 + k_[1] * down + k_[2],
        .y_step = k_[3],
        .y = k_[3] * 0.5 + k_[4] * down + k_[5],
        .divisor_step = k_[6],
        .divisor = k_[6] * 0.5 + k_[7] * down + 1,
    };
    kernels_.project(line, width_, x, y);
  }

  Place moved(const Place& at) const override {
    const double below = inverse_[6] * at.x + inverse_[7] * at.y + inverse_[8];
    if (below == 0) return at;
    return {(inverse_[0] * at.x + inverse_[1] * at.y + inverse_[2]) / below,
            (inverse_[3] * at.x + inverse_[4] * at.y + inverse_[5]) / below};
  }

 private:
  const PaintKernels& kernels_;
  std::size_t width_;
  std::array<double, 8> k_;
  std::array<double, 9> inverse_;
};

}  // namespace

Operation perspective() { return {parameter(), plan, true, make_moving_painter<Tilt>(name)}; }

}  // namespace headrace
