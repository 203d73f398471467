#include "headrace/augment/target_geometry.h"

#include <algorithm>
#include <array>
#include <vector>

#include "headrace/augment/axis.h"
#include "headrace/augment/painter.h"

namespace headrace {
namespace {

// From the source to the output. Of a plan that makes the image a line, all lies outside.
class ForwardMap {
 public:
  explicit ForwardMap(const SamplePlan& plan) : back_(plan.source_from_output) {
    determinant_ = back_.xx * back_.yy - back_.xy * back_.yx;
  }
  bool exists() const { return determinant_ != 0; }
  Place operator()(double x, double y) const {
    const double dx = x - back_.xt;
    const double dy = y - back_.yt;
    return {(back_.yy * dx - back_.xy * dy) / determinant_,
            (back_.xx * dy - back_.yx * dx) / determinant_};
  }

 private:
  AffineMap back_;
  double determinant_;
};

Place clamped(const Place& at, ImageSize size) {
  return {std::clamp<double>(at.x, 0, size.width), std::clamp<double>(at.y, 0, size.height)};
}

bool is_within(const Place& at, ImageSize size) {
  return at.x >= 0 && at.x <= size.width && at.y >= 0 && at.y <= size.height;
}

struct Hull {
  Place low;
  Place high;

  explicit Hull(std::span<const Place> corners) : low(corners[0]), high(corners[0]) {
    for (const Place& corner : corners) {
      low = {std::min(low.x, corner.x), std::min(low.y, corner.y)};
      high = {std::max(high.x, corner.x), std::max(high.y, corner.y)};
    }
  }
  double area() const { return (high.x - low.x) * (high.y - low.y); }
  std::array<Place, 4> corners() const { return {low, {high.x, low.y}, high, {low.x, high.y}}; }

  // Cuts it off at the border, and returns the share that is left.
  double cut(ImageSize size) {
    const double before = area();
    const Place middle = {(low.x + high.x) / 2, (low.y + high.y) / 2};
    low = clamped(low, size);
    high = clamped(high, size);
    if (before > 0) return area() / before;
    return is_within(middle, size) ? 1 : 0;
  }
};

// Calls `visit` with each operation of the plan that moves pixels.
template <class Visit>
void for_each_move(const SamplePlan& plan, const Visit& visit) {
  for (const PlannedOperation& operation : plan.operations()) {
    const Painter& painter = find_painter(operation.kind);
    if (painter.moves()) visit(painter, operation.values);
  }
}

}  // namespace

void move_points(const SamplePlan& plan, std::span<KeyPoint> points, std::vector<std::byte>* kept) {
  const ForwardMap forward(plan);
  std::vector<Place> places(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!forward.exists()) points[i].visibility = 0;
    if (points[i].visibility == 0) continue;
    places[i] = forward(static_cast<double>(points[i].x), static_cast<double>(points[i].y));
  }
  const auto settle = [&] {
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (!is_within(places[i], plan.output)) points[i].visibility = 0;
      places[i] = clamped(places[i], plan.output);
    }
  };
  settle();
  for_each_move(plan, [&](const Painter& painter, const PaintedValues& values) {
    painter.move_places(values, plan.output, places, kept);
    settle();
  });
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i].x = static_cast<float>(places[i].x);
    points[i].y = static_cast<float>(places[i].y);
  }
}

void move_boxes(const SamplePlan& plan, std::span<Box> boxes, std::vector<std::byte>* kept) {
  const ForwardMap forward(plan);
  std::vector<Place> corners(4 * boxes.size());
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const Box& box = boxes[i];
    if (!forward.exists()) boxes[i].visibility = 0;
    if (boxes[i].visibility == 0) continue;
    const auto given =
        Hull(std::array<Place, 2>{Place{box.left, box.top}, {box.right, box.bottom}});
    const auto at = given.corners();
    std::transform(at.begin(), at.end(), corners.begin() + static_cast<std::ptrdiff_t>(4 * i),
                   [&](const Place& corner) { return forward(corner.x, corner.y); });
  }
  const auto settle = [&] {
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      const auto of_box = std::span(corners).subspan(4 * i, 4);
      Hull hull(of_box);
      boxes[i].visibility *= static_cast<float>(hull.cut(plan.output));
      const auto cut = hull.corners();
      std::copy(cut.begin(), cut.end(), of_box.begin());
    }
  };
  settle();
  for_each_move(plan, [&](const Painter& painter, const PaintedValues& values) {
    painter.move_places(values, plan.output, corners, kept);
    settle();
  });
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const Place low = corners[4 * i];
    const Place high = corners[4 * i + 2];
    boxes[i].left = static_cast<float>(low.x);
    boxes[i].top = static_cast<float>(low.y);
    boxes[i].right = static_cast<float>(high.x);
    boxes[i].bottom = static_cast<float>(high.y);
  }
}

SamplePlan plan_for_size(const SamplePlan& plan, ImageSize size) {
  SamplePlan other = plan;
  const double across = static_cast<double>(size.width) / plan.source.width;
  const double down = static_cast<double>(size.height) / plan.source.height;
  AffineMap& map = other.source_from_output;
  map = AffineMap{.xx = across, .yy = down}.after(map);
  other.source = size;
  other.region = region_of(other);
  return other;
}

SamplePlan without_paint(const SamplePlan& plan) {
  SamplePlan moving = plan;
  moving.operation_count = 0;
  for (const PlannedOperation& operation : plan.operations()) {
    if (find_painter(operation.kind).moves()) moving.add(operation);
  }
  return moving;
}

}  // namespace headrace
