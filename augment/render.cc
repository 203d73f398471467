#include "headrace/augment/render.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "headrace/augment/affine.h"
#include "headrace/augment/axis_table.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/augment/mid_row.h"
#include "headrace/augment/painter.h"

namespace headrace {
namespace {

// What makes the outputs of an axis on which they lie one pixel apart: each is of two neighbouring
// indices, or what fills their places, by the same two weights.
struct EvenTaps {
  int begin = 0;            // the lesser index of the output that lies lowest
  std::int16_t second = 0;  // weight of the greater index; the lesser has the rest
};

// Nothing for another axis, or a shift far out of the image: it would need a long row of filling,
// which a table does not.
std::optional<EvenTaps> even_taps(const Axis& axis) {
  const std::int64_t reach = (std::int64_t{axis.source} + axis.output) * fixed::pixel;
  if (!axis.is_shift() || std::abs(axis.coordinate(0)) >= 2 * reach) return std::nullopt;
  const std::int64_t lowest = axis.coordinate(axis.is_mirrored() ? axis.output - 1 : 0);
  const bool nearest = axis.half_width == 0;
  const std::int64_t tap = lowest - (nearest ? 0 : fixed::pixel / 2);
  return EvenTaps{static_cast<int>(tap >> fixed::coordinate_bits),
                  static_cast<std::int16_t>(nearest ? 0 : tap & (fixed::pixel - 1))};
}

// One image on its way from levels to a batch. Rows are blended first, then columns, some rows at a
// time: by one pair of weights where that will do (columns are mirrored afterwards), else by a
// table.
class LevelRenderer {
 public:
  LevelRenderer(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                const Finish& finish, const Kernels& kernels, std::vector<std::byte>& spare)
      : plan_(plan),
        spare_(spare),
        pixels_(pixels),
        decoded_(decoded),
        finish_(finish),
        kernels_(kernels),
        y_axis_(row_axis(plan)),
        x_axis_(column_axis(plan)),
        even_y_(even_taps(y_axis_)),
        even_x_(even_taps(x_axis_)),
        constant_(constant_level(plan)) {
    mid_.channels = finish.shape().channels;
    mid_.read = indices_read(x_axis_);
    mid_.range = indices_of_taps(x_axis_);
    if (even_x_) {
      mid_.range.first = std::min(mid_.read.first, even_x_->begin);
      mid_.range.last = std::max(mid_.read.last, even_x_->begin + x_axis_.output + 1);
    }
  }

  void render(std::byte* destination, RenderScratch& scratch) {
    fetch();
    allocate(scratch);
    const int height = finish_.shape().height;
    for (int y = 0; y < height; y += band_) {
      const int rows = std::min(band_, height - y);
      levels_ = finish_.place_of(y, rows, destination);
      if (levels_ == nullptr) levels_ = band_levels_;
      for (int r = 0; r < rows; r += mid_rows_) {
        const int some = std::min(mid_rows_, rows - r);
        std::uint8_t* out = levels_ + static_cast<std::size_t>(r) * finish_.row_elements();
        if (is_by_whole_pixels()) {
          copy_rows(y + r, some, out);
        } else {
          blend_rows(y + r, some);
          blend_columns(some, out);
        }
      }
      paint_plan(plan_,
                 {levels_, {rows, finish_.shape().width, mid_.channels}, kernels_, spare_, plan_});
      if (levels_ == band_levels_) {
        finish_.levels(levels_, y, rows, destination, finishing_, kernels_);
      }
    }
  }

 private:
  void allocate(RenderScratch& scratch) {
    constexpr int group = 2;  // kernels take taps in pairs
    constexpr std::size_t cached_mid_elements = 4096;
    band_ = finish_.rows_at_once();
    mid_rows_ = static_cast<int>(std::clamp<std::size_t>(cached_mid_elements / mid_.elements(), 1,
                                                         static_cast<std::size_t>(band_)));
    const std::size_t row_bytes = finish_.row_elements();
    const auto padding = static_cast<std::size_t>(mid_.channels) * group;

    ScratchLayout layout;
    const std::size_t y_table = layout.reserve(even_y_ ? 0 : table_bytes(y_axis_, group));
    const std::size_t x_table = layout.reserve(even_x_ ? 0 : table_bytes(x_axis_, group));
    const std::size_t blend = layout.reserve(even_x_ ? 0 : blend_bytes());
    const std::size_t prepared = layout.reserve(
        even_x_ ? 0
                : kernels_.prepared_bytes(x_axis_.output, mid_.channels, x_axis_.max_taps() + 1));
    const std::size_t rows = layout.reserve(static_cast<std::size_t>(y_axis_.max_taps() + 1) *
                                            sizeof(const std::uint8_t*));
    const std::size_t mid = layout.reserve(
        (static_cast<std::size_t>(mid_rows_) * mid_.elements() + padding) * sizeof(std::int16_t) +
        Kernels::slack);
    const std::size_t mirrored =
        layout.reserve(static_cast<std::size_t>(mid_rows_) * row_bytes + Kernels::slack);
    const std::size_t levels =
        layout.reserve(static_cast<std::size_t>(band_) * row_bytes + Kernels::slack);
    const std::size_t finishing = layout.reserve(finish_.scratch_bytes());
    if (scratch.bytes.size() < layout.size()) scratch.bytes.resize(layout.size());

    std::byte* memory = ScratchLayout::align(scratch.bytes.data());
    if (!even_y_) y_table_ = make_table(y_axis_, group, memory + y_table);
    rows_ = reinterpret_cast<const std::uint8_t**>(memory + rows);
    mid_.memory = reinterpret_cast<std::int16_t*>(memory + mid);
    mirrored_ = reinterpret_cast<std::uint8_t*>(memory + mirrored);
    band_levels_ = reinterpret_cast<std::uint8_t*>(memory + levels);
    finishing_ = memory + finishing;
    if (!even_x_) {
      make_column_blend(make_table(x_axis_, group, memory + x_table), memory + blend);
      columns_.prepared = kernels_.prepare_columns(columns_, memory + prepared);
    }
  }

  std::size_t blend_bytes() const {
    const auto taps = static_cast<std::size_t>(x_axis_.max_taps() + 1);
    return ColumnBlend::even(x_axis_.output) *
           (2 * sizeof(std::int32_t) + taps * sizeof(std::int16_t));
  }

  // The table as kernels want it: in pairs of outputs and of taps.
  void make_column_blend(const AxisTable& table, std::byte* memory) {
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
      for (int t = 0; t < columns_.taps; ++t) weights[columns_.weight_index(x, t)] = from[t];
    }
    if (table.outputs % 2 != 0) {
      first[table.outputs] = 0;
      bias[table.outputs] = 0;
      for (int t = 0; t < columns_.taps; ++t) {
        weights[columns_.weight_index(table.outputs, t)] = 0;
      }
    }
  }

  // Small images in memory are rarely in the cache, and too small for the processor to see where it
  // goes.
  void fetch() const {
    constexpr std::size_t line = 64;
    const std::size_t bytes = static_cast<std::size_t>(decoded_.height) * pixels_.row_bytes;
    if (bytes > 16384) return;
    for (std::size_t i = 0; i < bytes; i += line) __builtin_prefetch(pixels_.data + i);
  }

  bool is_by_whole_pixels() const {
    return even_y_ && even_x_ && even_y_->second == 0 && even_x_->second == 0;
  }

  int even_row(int y) const {
    return even_y_->begin + (y_axis_.is_mirrored() ? y_axis_.output - 1 - y : y);
  }

  // Makes rows of outputs from `y` on that are pixels as they are, or what fills their places.
  void copy_rows(int y, int rows, std::uint8_t* out) const {
    const int width = x_axis_.output;
    const bool mirror = x_axis_.is_mirrored();
    std::uint8_t* to = mirror ? mirrored_ : out;
    for (int r = 0; r < rows; ++r, to += finish_.row_elements()) {
      const int index = fill_index(even_row(y + r), y_axis_.source, y_axis_.fill);
      if (index < 0) {
        std::memset(to, constant_, finish_.row_elements());
      } else {
        copy_row(pixels_.row<std::uint8_t>(index - decoded_.top), to);
      }
    }
    if (mirror) kernels_.mirror(mirrored_, rows, width, mid_.channels, out);
  }

  // `row` begins with the first column that is decoded.
  void copy_row(const std::uint8_t* row, std::uint8_t* out) const {
    const int begin = even_x_->begin;
    const int width = x_axis_.output;
    const auto channels = static_cast<std::size_t>(mid_.channels);
    const auto pixel = [&](int index) {
      return row + static_cast<std::ptrdiff_t>(index - decoded_.left) * mid_.channels;
    };
    const auto fill = [&](int x) {
      const int index = fill_index(begin + x, x_axis_.source, x_axis_.fill);
      std::uint8_t* to = out + static_cast<std::size_t>(x) * channels;
      if (index < 0) {
        std::memset(to, constant_, channels);
      } else {
        std::copy_n(pixel(index), channels, to);
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
  void blend_rows(int y, int rows) {
    for (int r = 0; r < rows; ++r) {
      std::int16_t* mid = mid_.at(mid_.read.first, r);
      if (even_y_) {
        blend_even_row(y + r, mid);
      } else {
        blend_table_row(y + r, mid);
      }
    }
    mid_.extend(x_axis_, static_cast<std::int16_t>(constant_ << fixed::mid_bits), rows);
  }

  void blend_even_row(int y, std::int16_t* mid) {
    const int begin = even_row(y);
    std::int16_t weights[2] = {static_cast<std::int16_t>(fixed::one - even_y_->second),
                               even_y_->second};
    std::int32_t constant_weight = 0;
    for (int t = 0; t < 2; ++t) {
      rows_[t] = row(decoded_.top);  // any will do for a weight of 0
      if (weights[t] == 0) continue;
      const int index = fill_index(begin + t, y_axis_.source, y_axis_.fill);
      if (index >= 0) {
        rows_[t] = row(index);
      } else {
        constant_weight += std::exchange(weights[t], std::int16_t{0});
      }
    }
    blend_rows_given(weights, 2, constant_weight, mid);
  }

  void blend_table_row(int y, std::int16_t* mid) {
    int count = y_table_.count[y];
    for (int t = 0; t < count; ++t) {
      rows_[t] = row(fill_index(y_table_.first[y] + t, y_axis_.source, y_axis_.fill));
    }
    if (count % 2 != 0) {  // a tap of weight 0
      rows_[count] = rows_[count - 1];
      ++count;
    }
    blend_rows_given(y_table_.weights_of(y), count, y_table_.constant_weight[y], mid);
  }

  // Of the image: what mid rows are made of.
  const std::uint8_t* row(int index) const {
    return pixels_.row<std::uint8_t>(index - decoded_.top) +
           static_cast<std::ptrdiff_t>(mid_.read.first - decoded_.left) * mid_.channels;
  }

  void blend_rows_given(const std::int16_t* weights, int taps, std::int32_t constant_weight,
                        std::int16_t* mid) const {
    kernels_.blend_rows(rows_, weights, taps, constant_weight * constant_, mid_.read_elements(),
                        mid);
  }

  void blend_columns(int rows, std::uint8_t* out) const {
    const int width = finish_.shape().width;
    if (!even_x_) {
      kernels_.blend_columns(mid_.at(mid_.range.first), mid_.elements(), rows, columns_, out);
      return;
    }
    const bool mirror = x_axis_.is_mirrored();
    kernels_.blend_shifted(mid_.at(even_x_->begin), mid_.elements(), rows, mid_.channels,
                           even_x_->second, finish_.row_elements(), mirror ? mirrored_ : out);
    if (mirror) kernels_.mirror(mirrored_, rows, width, mid_.channels, out);
  }

  const SamplePlan& plan_;
  std::vector<std::byte>& spare_;
  const ImageView& pixels_;
  const Region& decoded_;
  const Finish& finish_;
  const Kernels& kernels_;
  Axis y_axis_;
  Axis x_axis_;
  std::optional<EvenTaps> even_y_;
  std::optional<EvenTaps> even_x_;
  std::int32_t constant_;  // what fills, in levels
  ColumnBlend columns_;
  AxisTable y_table_;
  int band_ = 0;      // rows that are finished together
  int mid_rows_ = 0;  // of them, those that are blended together

  const std::uint8_t** rows_ = nullptr;
  MidRows<std::int16_t> mid_;
  std::uint8_t* mirrored_ = nullptr;     // `mid_rows_` rows
  std::uint8_t* band_levels_ = nullptr;  // `band_` rows
  std::uint8_t* levels_ = nullptr;       // of the band that is being made
  std::byte* finishing_ = nullptr;
};

}  // namespace

void render_levels(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                   const Finish& finish, std::byte* destination, RenderScratch& scratch,
                   const Kernels& kernels) {
  if (!needs_affine(plan)) {
    LevelRenderer(plan, pixels, decoded, finish, kernels, scratch.spare)
        .render(destination, scratch);
    return;
  }
  const ShrunkPlan parts(plan);
  if (!parts.shrinks) {
    render_affine_levels(plan, pixels, decoded, finish, destination, scratch, kernels);
    return;
  }
  const ImageSize size = parts.shrink.output;
  const Finish plain({size.height, size.width, finish.shape().channels}, ElementType::u8,
                     Layout::nhwc, {});
  Image small(plain.shape());
  LevelRenderer(parts.shrink, pixels, decoded, plain, kernels, scratch.spare)
      .render(small.data(), scratch);
  render_affine_levels(parts.rest, small.view(), parts.rest.region, finish, destination, scratch,
                       kernels);
}

}  // namespace headrace
