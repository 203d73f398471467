#include "headrace/augment/level_renderer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "headrace/augment/fixed_point.h"

namespace headrace {
namespace {

constexpr int group = 2;  // kernels take taps in pairs

}  // namespace

// Nothing for another axis, or a shift far out of the image: it would need a long row of filling,
// which a table does not.
std::optional<LevelRenderer::EvenTaps> LevelRenderer::even_taps(const Axis& axis) {
  const std::int64_t reach = (std::int64_t{axis.source} + axis.output) * fixed::pixel;
  if (!axis.is_shift() || std::abs(axis.coordinate(0)) >= 2 * reach) return std::nullopt;
  const std::int64_t lowest = axis.coordinate(axis.is_mirrored() ? axis.output - 1 : 0);
  const bool nearest = axis.half_width == 0;
  const std::int64_t tap = lowest - (nearest ? 0 : fixed::pixel / 2);
  return EvenTaps{static_cast<int>(tap >> fixed::coordinate_bits),
                  static_cast<std::int16_t>(nearest ? 0 : tap & (fixed::pixel - 1))};
}

LevelRenderer::LevelRenderer(const SamplePlan& plan, int channels, int rows, const Kernels& kernels)
    : kernels_(kernels),
      y_axis_(row_axis(plan)),
      x_axis_(column_axis(plan)),
      even_y_(even_taps(y_axis_)),
      even_x_(even_taps(x_axis_)),
      constant_(constant_level(plan)) {
  constexpr std::size_t cached_mid_elements = 4096;
  mid_.channels = channels;
  mid_.read = indices_read(x_axis_);
  mid_.range = indices_of_taps(x_axis_);
  if (even_x_) {
    mid_.range.first = std::min(mid_.read.first, even_x_->begin);
    mid_.range.last = std::max(mid_.read.last, even_x_->begin + x_axis_.output + 1);
  }
  mid_rows_ = static_cast<int>(std::clamp<std::size_t>(cached_mid_elements / mid_.elements(), 1,
                                                       static_cast<std::size_t>(rows)));
}

void LevelRenderer::reserve(ScratchLayout& layout) {
  const auto padding = static_cast<std::size_t>(mid_.channels) * group;
  const auto mid_rows = static_cast<std::size_t>(mid_rows_);
  if (!even_y_) places_.y_table = layout.reserve(table_bytes(y_axis_, group));
  if (!even_x_) {
    places_.x_table = layout.reserve(table_bytes(x_axis_, group));
    places_.blend = layout.reserve(blend_bytes());
    places_.prepared = layout.reserve(
        kernels_.prepared_bytes(x_axis_.output, mid_.channels, x_axis_.max_taps() + 1));
  }
  places_.rows = layout.reserve(static_cast<std::size_t>(y_axis_.max_taps() + 1) *
                                sizeof(const std::uint8_t*));
  places_.mid = layout.reserve((mid_rows * mid_.elements() + padding) * sizeof(std::int16_t) +
                               Kernels::slack);
  places_.mirrored = layout.reserve(mid_rows * row_elements() + Kernels::slack);
}

void LevelRenderer::prepare(std::byte* memory) {
  if (!even_y_) y_table_ = make_table(y_axis_, group, memory + places_.y_table);
  rows_ = reinterpret_cast<const std::uint8_t**>(memory + places_.rows);
  mid_.memory = reinterpret_cast<std::int16_t*>(memory + places_.mid);
  mirrored_ = reinterpret_cast<std::uint8_t*>(memory + places_.mirrored);
  if (even_x_) return;
  make_column_blend(make_table(x_axis_, group, memory + places_.x_table), memory + places_.blend);
  columns_.prepared = kernels_.prepare_columns(columns_, memory + places_.prepared);
}

std::size_t LevelRenderer::blend_bytes() const {
  const auto taps = static_cast<std::size_t>(x_axis_.max_taps() + 1);
  return ColumnBlend::even(x_axis_.output) *
         (2 * sizeof(std::int32_t) + taps * sizeof(std::int16_t));
}

// The table as kernels want it: in pairs of outputs and of taps.
void LevelRenderer::make_column_blend(const AxisTable& table, std::byte* memory) {
  const std::size_t outputs = ColumnBlend::even(table.outputs);
  auto* first = reinterpret_cast<std::int32_t*>(memory);
  std::int32_t* bias = first + outputs;
  auto* weights = reinterpret_cast<std::int16_t*>(bias + outputs);
  const int most = *std::max_element(table.count, table.count + table.outputs);
  columns_ = {table.outputs, mid_.channels, most + most % 2, first, bias, weights, nullptr};
  for (int x = 0; x < table.outputs; ++x) {
    bias[x] = table.constant_weight[x] * (constant_ << fixed::mid_bits);
    // An output of the constant alone has no taps; any pixel will do for its weights of 0.
    first[x] = table.count[x] == 0 ? 0 : table.first[x] - mid_.range.first;
    const std::int16_t* from = table.weights_of(x);
    for (int t = 0; t < columns_.taps; t += group) {
      std::copy_n(from + t, group, weights + columns_.weight_index(x, t));
    }
  }
  if (table.outputs % 2 != 0) {
    first[table.outputs] = 0;
    bias[table.outputs] = 0;
    for (int t = 0; t < columns_.taps; ++t) {
      weights[columns_.weight_index(table.outputs, t)] = 0;
    }
  }
}

void LevelRenderer::make_rows(const ImageView& pixels, const Region& decoded, int y, int rows,
                              std::uint8_t* out) const {
  const Source source{pixels, decoded,
                      static_cast<std::ptrdiff_t>(mid_.read.first - decoded.left) * mid_.channels};
  for (int r = 0; r < rows; r += mid_rows_) {
    const int some = std::min(mid_rows_, rows - r);
    std::uint8_t* const to = out + static_cast<std::size_t>(r) * row_elements();
    if (is_by_whole_pixels()) {
      copy_rows(source, y + r, some, to);
    } else {
      blend_rows(source, y + r, some);
      blend_columns(some, to);
    }
  }
}

int LevelRenderer::even_row(int y) const {
  return even_y_->begin + (y_axis_.is_mirrored() ? y_axis_.output - 1 - y : y);
}

// Makes rows of outputs that are pixels as they are, or what fills their places.
void LevelRenderer::copy_rows(const Source& source, int y, int rows, std::uint8_t* out) const {
  const bool mirror = x_axis_.is_mirrored();
  std::uint8_t* to = mirror ? mirrored_ : out;
  for (int r = 0; r < rows; ++r, to += row_elements()) {
    const int index = fill_index(even_row(y + r), y_axis_.source, y_axis_.fill);
    if (index < 0) {
      std::memset(to, constant_, row_elements());
    } else {
      copy_row(source, index, to);
    }
  }
  if (mirror) kernels_.mirror(mirrored_, rows, x_axis_.output, mid_.channels, out);
}

void LevelRenderer::copy_row(const Source& source, int index, std::uint8_t* out) const {
  const std::uint8_t* const row = source.row(index);  // begins with the first column that is read
  const int begin = even_x_->begin;
  const int width = x_axis_.output;
  const auto channels = static_cast<std::size_t>(mid_.channels);
  const auto pixel = [&](int column) {
    return row + static_cast<std::ptrdiff_t>(column - mid_.read.first) * mid_.channels;
  };
  const auto fill = [&](int x) {
    const int column = fill_index(begin + x, x_axis_.source, x_axis_.fill);
    std::uint8_t* to = out + static_cast<std::size_t>(x) * channels;
    if (column < 0) {
      std::memset(to, constant_, channels);
    } else {
      std::copy_n(pixel(column), channels, to);
    }
  };
  const int first = std::clamp(-begin, 0, width);
  const int last = std::clamp(x_axis_.source - begin, first, width);
  for (int x = 0; x < first; ++x) fill(x);
  if (last > first) {
    std::memcpy(out + static_cast<std::size_t>(first) * channels, pixel(begin + first),
                static_cast<std::size_t>(last - first) * channels);
  }
  for (int x = last; x < width; ++x) fill(x);
}

// Makes `rows` rows of mid levels, those of outputs from `y` on.
void LevelRenderer::blend_rows(const Source& source, int y, int rows) const {
  for (int r = 0; r < rows; ++r) {
    std::int16_t* mid = mid_.at(mid_.read.first, r);
    if (even_y_) {
      blend_even_row(source, y + r, mid);
    } else {
      blend_table_row(source, y + r, mid);
    }
  }
  mid_.extend(x_axis_, static_cast<std::int16_t>(constant_ << fixed::mid_bits), rows);
}

void LevelRenderer::blend_even_row(const Source& source, int y, std::int16_t* mid) const {
  const int begin = even_row(y);
  std::int16_t weights[2] = {static_cast<std::int16_t>(fixed::one - even_y_->second),
                             even_y_->second};
  std::int32_t constant_weight = 0;
  for (int t = 0; t < 2; ++t) {
    rows_[t] = source.row(source.decoded.top);  // any will do for a weight of 0
    if (weights[t] == 0) continue;
    const int index = fill_index(begin + t, y_axis_.source, y_axis_.fill);
    if (index >= 0) {
      rows_[t] = source.row(index);
    } else {
      constant_weight += std::exchange(weights[t], std::int16_t{0});
    }
  }
  blend_rows_given(weights, 2, constant_weight, mid);
}

void LevelRenderer::blend_table_row(const Source& source, int y, std::int16_t* mid) const {
  int count = y_table_.count[y];
  for (int t = 0; t < count; ++t) {
    rows_[t] = source.row(fill_index(y_table_.first[y] + t, y_axis_.source, y_axis_.fill));
  }
  if (count % 2 != 0) {  // a tap of weight 0
    rows_[count] = rows_[count - 1];
    ++count;
  }
  blend_rows_given(y_table_.weights_of(y), count, y_table_.constant_weight[y], mid);
}

void LevelRenderer::blend_rows_given(const std::int16_t* weights, int taps,
                                     std::int32_t constant_weight, std::int16_t* mid) const {
  kernels_.blend_rows(rows_, weights, taps, constant_weight * constant_, mid_.read_elements(), mid);
}

void LevelRenderer::blend_columns(int rows, std::uint8_t* out) const {
  if (!even_x_) {
    kernels_.blend_columns(mid_.at(mid_.range.first), mid_.elements(), rows, columns_, out);
    return;
  }
  const bool mirror = x_axis_.is_mirrored();
  kernels_.blend_shifted(mid_.at(even_x_->begin), mid_.elements(), rows, mid_.channels,
                         even_x_->second, row_elements(), mirror ? mirrored_ : out);
  if (mirror) kernels_.mirror(mirrored_, rows, x_axis_.output, mid_.channels, out);
}

}  // namespace headrace
