#include "headrace/augment/paired_image.h"

#include <cstring>

#include "headrace/augment/fixed_point.h"

namespace headrace {
namespace {

constexpr int channels_of_pairs = 3;
constexpr std::size_t pair_bytes = 2 * channels_of_pairs;
constexpr std::size_t load_bytes = 16;

std::int64_t last_of(const SampledAxis& axis) { return (axis.extent - 1) * fixed::pixel; }

bool is_outside(const SampledAxis& axis) { return axis.low < 0 || axis.high > last_of(axis); }

int reads(const SampledAxis& axis) { return axis.read.last - axis.read.first; }

bool is_near(const SampledAxis& axis, FillMode fill) {
  constexpr std::int64_t far = std::int64_t{1} << 30;
  const bool folds = fill == FillMode::reflect || fill == FillMode::mirror ||
                     fill == FillMode::wrap || fill == FillMode::scipy_wrap;
  if (!folds || !is_outside(axis)) return axis.low > -far && axis.high < far;
  return axis.low >= -last_of(axis) && axis.high < 2 * last_of(axis);
}

PairedRun::Beyond beyond(FillMode fill) {
  switch (fill) {
    case FillMode::reflect:
    case FillMode::mirror: return PairedRun::Beyond::mirror;
    case FillMode::wrap:
    case FillMode::scipy_wrap: return PairedRun::Beyond::repeat;
    default: return PairedRun::Beyond::nearest;
  }
}

}  // namespace

PairedImage::PairedImage(const SamplePlan& plan, int channels, const SampledAxis& columns,
                         const SampledAxis& rows, const Kernels& kernels)
    : columns_(columns), rows_(rows), fill_(plan.fill_mode) {
  // The copy is worth about half a pixel's sampling.
  constexpr std::int64_t most_pixels_per_output = 2;
  constexpr int most_rows = 32000;
  constexpr int most_columns = most_rows / static_cast<int>(pair_bytes);
  const std::int64_t outputs = std::int64_t{plan.output.height} * plan.output.width;
  border_ = fill_ == FillMode::constant ? 1 : 0;
  exists_ = kernels.sample_pairs != nullptr && channels == channels_of_pairs &&
            plan.filter == Filter::linear && is_near(columns, fill_) && is_near(rows, fill_) &&
            reads(columns) <= most_columns && reads(rows) <= most_rows &&
            std::int64_t{reads(columns)} * reads(rows) <= most_pixels_per_output * outputs;
  if (!exists_) return;
  run_.pitch = places(columns) * static_cast<std::int32_t>(pair_bytes);
  run_.beyond = beyond(fill_);
  run_.across = border(columns);
  run_.down = border(rows);
}

// Wrapping has the first pixel after the last one again.
int PairedImage::places(const SampledAxis& axis) const {
  return reads(axis) + 2 * border_ + (fill_ == FillMode::wrap ? 1 : 0);
}

PairedRun::Border PairedImage::border(const SampledAxis& axis) const {
  constexpr auto pixel = static_cast<std::int32_t>(fixed::pixel);
  PairedRun::Border border;
  border.last = (reads(axis) - 1 + 2 * border_) * pixel;
  if (!is_outside(axis)) return border;
  const auto last = static_cast<std::int32_t>(last_of(axis));
  switch (fill_) {
    case FillMode::reflect: return {border.last, -pixel, 2 * last + pixel, 0};
    case FillMode::mirror: return {border.last, 0, 2 * last, 0};
    case FillMode::wrap: return {last + pixel - 1, 0, last + pixel - 1, last + pixel};
    case FillMode::scipy_wrap: return {border.last, 0, last, last};
    default: return border;
  }
}

std::size_t PairedImage::bytes() const {
  return static_cast<std::size_t>(places(rows_)) * static_cast<std::size_t>(run_.pitch) +
         load_bytes + Kernels::slack;
}

void PairedImage::make(const std::uint8_t* first, std::size_t row_bytes, std::uint8_t constant,
                       std::byte* memory, const Kernels& kernels) {
  const int height = reads(rows_);
  const std::size_t count = static_cast<std::size_t>(reads(columns_)) * channels_of_pairs;
  const auto pitch = static_cast<std::size_t>(run_.pitch);
  const std::size_t left = static_cast<std::size_t>(border_) * pair_bytes;
  auto* to = reinterpret_cast<std::uint8_t*>(memory);
  run_.pixels = to;
  const auto row = [&](int y) -> const std::uint8_t* {
    if (y < 0 || y >= height) {
      if (fill_ == FillMode::constant) return nullptr;
      y = fill_ == FillMode::wrap ? 0 : height - 1;
    }
    return first + static_cast<std::size_t>(y) * row_bytes;
  };
  for (int y = -border_; y < places(rows_) - border_; ++y, to += pitch) {
    const std::uint8_t* above = row(y);
    const std::uint8_t* below = row(y + 1);
    if (above != nullptr && below != nullptr) {
      kernels.pair_rows(above, below, count, to + left);
    } else {
      for (std::size_t e = 0; e < count; ++e) {
        to[left + 2 * e] = above == nullptr ? constant : above[e];
        to[left + 2 * e + 1] = below == nullptr ? constant : below[e];
      }
    }
    if (fill_ == FillMode::constant) {
      std::memset(to, constant, pair_bytes);
      std::memset(to + left + 2 * count, constant, pair_bytes);
    } else if (fill_ == FillMode::wrap) {
      std::memcpy(to + 2 * count, to, pair_bytes);
    }
  }
}

PairedRun PairedImage::run(std::int64_t x, std::int64_t y, std::int64_t dx, std::int64_t dy) const {
  PairedRun run = run_;
  const auto place = [this](std::int64_t c, const SampledAxis& axis) {
    return c + (std::int64_t{border_ - axis.read.first} << fixed::map_bits);
  };
  run.x = place(x, columns_);
  run.y = place(y, rows_);
  run.dx = dx;
  run.dy = dy;
  return run;
}

}  // namespace headrace
