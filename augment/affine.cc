#include "headrace/augment/affine.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "headrace/augment/axis.h"
#include "headrace/augment/axis_table.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/augment/level_sampler.h"
#include "headrace/augment/painter.h"
#include "headrace/augment/paired_image.h"
#include "headrace/augment/spline.h"

namespace headrace {
namespace {

constexpr std::int64_t rounding = std::int64_t{1} << (fixed::map_shift - 1);

// In 2^-14 pixels.
std::int64_t coordinate(std::int64_t c) { return (c + rounding) >> fixed::map_shift; }

bool averages(Filter filter) { return filter == Filter::triangle || filter == Filter::box; }

struct Interval {
  std::int64_t low;
  std::int64_t high;
};

// Of the coordinates of all outputs, in 2^-14 pixels.
Interval interval(std::int64_t origin, std::int64_t step, std::int64_t row_step, ImageSize output) {
  const std::int64_t along = step * (output.width - 1);
  const std::int64_t down = row_step * (output.height - 1);
  const auto zero = std::int64_t{0};
  return {coordinate(origin + std::min(along, zero) + std::min(down, zero)),
          coordinate(origin + std::max(along, zero) + std::max(down, zero))};
}

struct Bounds {
  Interval x;
  Interval y;

  Bounds(const AffineGrid& grid, ImageSize output)
      : x(interval(grid.x, grid.xx, grid.xy, output)),
        y(interval(grid.y, grid.yx, grid.yy, output)) {}
};

IndexRange indices(Interval coordinates, int extent, const SamplePlan& plan, int margin) {
  const std::int64_t first = (coordinates.low >> fixed::coordinate_bits) - margin;
  const std::int64_t last = (coordinates.high >> fixed::coordinate_bits) + 1 + margin;
  const FillMode fill = plan.fill_mode;
  const bool folds =
      fill != FillMode::nearest && fill != FillMode::constant && fill != FillMode::scipy_constant;
  if (plan.filter == Filter::cubic || (folds && (first < 0 || last >= extent))) return {0, extent};
  // Two at least, for taps of weight 0.
  const int low = static_cast<int>(std::clamp<std::int64_t>(first, 0, std::max(extent - 2, 0)));
  const int high = static_cast<int>(std::clamp<std::int64_t>(last, 0, extent - 1)) + 1;
  return {low, std::max(high, std::min(low + 2, extent))};
}

SampledAxis sampled_axis(Interval coordinates, int extent, const SamplePlan& plan) {
  return {extent, indices(coordinates, extent, plan, 0), coordinates.low, coordinates.high};
}

Region taps_region(const SamplePlan& plan, int x_margin, int y_margin) {
  const Bounds bounds(AffineGrid(plan), plan.output);
  const IndexRange rows = indices(bounds.y, plan.source.height, plan, y_margin);
  const IndexRange columns = indices(bounds.x, plan.source.width, plan, x_margin);
  return {rows.first, columns.first, rows.last - rows.first, columns.last - columns.first};
}

int shrunk(int extent, double scale) {
  return std::max(static_cast<int>(std::ceil(extent / scale)), 1);
}

// The columns of a row, of `count`, whose coordinates begin + x * step lie in [low, high].
struct Columns {
  int first;
  int last;

  void meet(std::int64_t begin, std::int64_t step, std::int64_t low, std::int64_t high) {
    if (step == 0) {
      if (begin < low || begin > high) last = first;
      return;
    }
    if (step < 0) {
      begin = -begin;
      step = -step;
      std::swap(low, high);
      low = -low;
      high = -high;
    }
    // ceil((low - begin) / step) and floor((high - begin) / step), as no division rounds down.
    const std::int64_t below = low - begin;
    const std::int64_t above = high - begin;
    const std::int64_t from = below <= 0 ? 0 : (below + step - 1) / step;
    const std::int64_t to = above < 0 ? -1 : above / step;
    first = static_cast<int>(std::clamp<std::int64_t>(from, first, last));
    last = static_cast<int>(std::clamp<std::int64_t>(to + 1, first, last));
  }
};

class AffineLevels {
 public:
  AffineLevels(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
               const Kernels& kernels)
      : plan_(plan),
        pixels_(pixels),
        decoded_(decoded),
        kernels_(kernels),
        grid_(plan),
        constant_(static_cast<std::uint8_t>(constant_level(plan))),
        sampler_(pixels, decoded, plan.source, plan.fill_mode, constant_),
        bounds_(grid_, plan.output),
        columns_(sampled_axis(bounds_.x, plan.source.width, plan)),
        rows_(sampled_axis(bounds_.y, plan.source.height, plan)),
        pairs_(plan, pixels.shape.channels, columns_, rows_, kernels) {
    const auto channels = static_cast<std::ptrdiff_t>(pixels.shape.channels);
    const auto pitch = static_cast<std::ptrdiff_t>(pixels.row_bytes);
    const auto before = decoded.top * pitch + decoded.left * channels;
    run_.channels = pixels.shape.channels;
    run_.pitch = pitch;
    run_.bytes = (pixels.shape.height - 1) * pitch + pixels.shape.width * channels;
    run_.pixels = reinterpret_cast<const std::uint8_t*>(pixels.data);
    run_.first = -before;
    run_.columns = plan.source.width;
    run_.rows = plan.source.height;
    run_.dx = grid_.xx;
    run_.dy = grid_.yx;
    constexpr std::int64_t far = std::int64_t{1} << 30;
    const auto is_near = [](Interval i) { return i.low > -far && i.high < far; };
    constexpr std::ptrdiff_t large = std::numeric_limits<std::int32_t>::max() / 2;
    has_run_ = is_near(bounds_.x) && is_near(bounds_.y) && run_.columns >= 2 && run_.rows >= 2 &&
               run_.bytes + before + pitch < large;
  }

  // What prepare() needs.
  std::size_t scratch_bytes() const { return pairs_ ? pairs_.bytes() : 0; }

  void prepare(std::byte* memory) {
    if (!pairs_) return;
    const std::uint8_t* first =
        pixels_.row<std::uint8_t>(rows_.read.first - decoded_.top) +
        static_cast<std::ptrdiff_t>(columns_.read.first - decoded_.left) * run_.channels;
    pairs_.make(first, pixels_.row_bytes, constant_, memory, kernels_);
  }

  void row(int y, std::uint8_t* out) {
    run_.x = grid_.x + y * grid_.xy;
    run_.y = grid_.y + y * grid_.yy;
    const Columns together = columns_together();
    const auto channels = static_cast<std::size_t>(run_.channels);
    // In this order, since kernels may write beyond what they are asked for.
    for (int x = 0; x < together.first; ++x) pixel(x, out + static_cast<std::size_t>(x) * channels);
    sample(together, out + static_cast<std::size_t>(together.first) * channels);
    for (int x = together.last; x < plan_.output.width; ++x) {
      pixel(x, out + static_cast<std::size_t>(x) * channels);
    }
  }

 private:
  // Those that kernels sample.
  Columns columns_together() const {
    Columns inside{0, pairs_ || has_run_ ? plan_.output.width : 0};
    const bool everywhere = pairs_ && plan_.fill_mode != FillMode::scipy_constant;
    if (everywhere || plan_.fill_mode == FillMode::nearest) return inside;
    const auto last = [](int extent) {
      return (((extent - 1) * fixed::pixel + 1) << fixed::map_shift) - 1 - rounding;
    };
    inside.meet(run_.x, run_.dx, -rounding, last(run_.columns));
    inside.meet(run_.y, run_.dy, -rounding, last(run_.rows));
    return inside;
  }

  void sample(Columns columns, std::uint8_t* out) const {
    const int count = columns.last - columns.first;
    if (count <= 0) return;
    AffineRun run = run_;
    run.x += columns.first * run.dx;
    run.y += columns.first * run.dy;
    if (pairs_) {
      kernels_.sample_pairs(pairs_.run(run.x, run.y, run.dx, run.dy), count, out);
    } else if (plan_.filter == Filter::nearest) {
      kernels_.sample_nearest(run, count, out);
    } else {
      kernels_.sample_linear(run, count, out);
    }
  }

  void pixel(int x, std::uint8_t* out) const {
    const std::int64_t cx = coordinate(run_.x + x * run_.dx);
    const std::int64_t cy = coordinate(run_.y + x * run_.dy);
    if (plan_.filter == Filter::nearest) {
      sampler_.take(cx, cy, out);
    } else {
      sampler_.blend(cx, cy, out);
    }
  }

  const SamplePlan& plan_;
  const ImageView& pixels_;
  const Region& decoded_;
  const Kernels& kernels_;
  AffineGrid grid_;
  std::uint8_t constant_;
  LevelSampler sampler_;
  Bounds bounds_;
  SampledAxis columns_;
  SampledAxis rows_;
  PairedImage pairs_;
  AffineRun run_;
  bool has_run_ = false;
};

}  // namespace

bool needs_affine(const SamplePlan& plan) {
  return !plan.source_from_output.is_axis_aligned() || plan.filter == Filter::cubic ||
         plan.fill_mode > FillMode::wrap;
}

AffineGrid::AffineGrid(const SamplePlan& plan) {
  const AffineMap& map = plan.source_from_output;
  constexpr std::int64_t half = std::int64_t{1} << (fixed::map_bits - 1);
  x = to_map(map.xx * 0.5 + map.xy * 0.5 + map.xt) - half;
  y = to_map(map.yx * 0.5 + map.yy * 0.5 + map.yt) - half;
  xx = to_map(map.xx);
  xy = to_map(map.xy);
  yx = to_map(map.yx);
  yy = to_map(map.yy);
  for (const double right : {0, plan.output.width}) {
    for (const double below : {0, plan.output.height}) {
      to_map(map.xx * right + map.xy * below + map.xt);
      to_map(map.yx * right + map.yy * below + map.yt);
    }
  }
}

ShrunkPlan::ShrunkPlan(const SamplePlan& plan) {
  const AffineMap& map = plan.source_from_output;
  constexpr double enough = 1.5;
  const double x_scale = std::hypot(map.xx, map.xy);
  const double y_scale = std::hypot(map.yx, map.yy);
  shrinks = averages(plan.filter) && std::max(x_scale, y_scale) > enough;
  if (!shrinks) return;
  const double by_x = x_scale > enough ? x_scale : 1;
  const double by_y = y_scale > enough ? y_scale : 1;
  const Region part =
      taps_region(plan, static_cast<int>(std::ceil(by_x)), static_cast<int>(std::ceil(by_y)));
  shrink.source = plan.source;
  shrink.output = {shrunk(part.height, by_y), shrunk(part.width, by_x)};
  const AffineMap to_source = {
      .xx = static_cast<double>(part.width) / shrink.output.width,
      .xt = static_cast<double>(part.left),
      .yy = static_cast<double>(part.height) / shrink.output.height,
      .yt = static_cast<double>(part.top),
  };
  shrink.source_from_output = to_source;
  shrink.filter = plan.filter;
  shrink.region = region_of(shrink);
  rest = plan;
  rest.source = shrink.output;
  rest.filter = Filter::linear;
  const AffineMap from_source = {.xx = 1 / to_source.xx,
                                 .xt = -to_source.xt / to_source.xx,
                                 .yy = 1 / to_source.yy,
                                 .yt = -to_source.yt / to_source.yy};
  rest.source_from_output = from_source.after(map);
  rest.region = {0, 0, rest.source.height, rest.source.width};
}

Region affine_region(const SamplePlan& plan) {
  const ShrunkPlan parts(plan);
  return parts.shrinks ? parts.shrink.region : taps_region(plan, 0, 0);
}

void render_affine_levels(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                          const Finish& finish, std::byte* destination, RenderScratch& scratch,
                          const Kernels& kernels) {
  const int band = finish.rows_at_once();
  AffineLevels sampler(plan, pixels, decoded, kernels);
  ScratchLayout layout;
  const std::size_t sampling = layout.reserve(sampler.scratch_bytes());
  const std::size_t levels =
      layout.reserve(static_cast<std::size_t>(band) * finish.row_elements() + Kernels::slack);
  const std::size_t finishing = layout.reserve(finish.scratch_bytes());
  if (scratch.bytes.size() < layout.size()) scratch.bytes.resize(layout.size());
  std::byte* memory = ScratchLayout::align(scratch.bytes.data());
  auto* band_rows = reinterpret_cast<std::uint8_t*>(memory + levels);

  const auto render = [&](auto&& make_row) {
    for (int y = 0; y < finish.shape().height; y += band) {
      const int count = std::min(band, finish.shape().height - y);
      std::uint8_t* rows = finish.place_of(y, count, destination);
      const bool is_copied = rows == nullptr;
      if (is_copied) rows = band_rows;
      for (int r = 0; r < count; ++r) {
        make_row(y + r, rows + static_cast<std::size_t>(r) * finish.row_elements());
      }
      paint_plan(plan, {rows,
                        {count, finish.shape().width, finish.shape().channels},
                        kernels,
                        scratch.spare,
                        plan});
      if (is_copied) finish.levels(rows, y, count, destination, memory + finishing, kernels);
    }
  };
  if (plan.filter == Filter::cubic) {
    const SplineImage spline(plan, pixels, decoded);
    std::vector<float> values(finish.row_elements());
    render([&](int y, std::uint8_t* out) {
      spline.row(y, values.data());
      std::transform(values.begin(), values.end(), out, [](float value) {
        return static_cast<std::uint8_t>(static_cast<int>(std::clamp(value + 0.5f, 0.0f, 255.0f)));
      });
    });
    return;
  }
  sampler.prepare(memory + sampling);
  render([&](int y, std::uint8_t* out) { sampler.row(y, out); });
}

}  // namespace headrace
