#include "headrace/augment/render.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "headrace/augment/axis_table.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/augment/mid_row.h"

namespace headrace {
namespace {

// A shift far out of the image would need a long row of filling; a table does not.
bool blends_evenly(const Axis& axis) {
  const std::int64_t reach = (std::int64_t{axis.source} + axis.output) * fixed::pixel;
  return axis.is_shift() && std::abs(axis.coordinate(0)) < 2 * reach;
}

// One image on its way from levels to a batch. Rows are blended first, then columns: by one pair of
// weights where outputs lie one pixel apart ("evenly"; mirrored afterwards), else by a table.
class LevelRenderer {
 public:
  LevelRenderer(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                const Finish& finish, const Kernels& kernels)
      : pixels_(pixels),
        decoded_(decoded),
        finish_(finish),
        kernels_(kernels),
        y_axis_(row_axis(plan)),
        x_axis_(column_axis(plan)),
        evenly_(blends_evenly(x_axis_)),
        constant_(static_cast<std::int32_t>(
            std::clamp(std::floor(plan.fill_value + 0.5f), 0.0f, 255.0f))) {
    mid_.channels = finish.shape().channels;
    mid_.read = indices_read(x_axis_);
    mid_.range = indices_of_taps(x_axis_);
    if (evenly_) place_even_columns();
  }

  void render(std::byte* destination, RenderScratch& scratch) {
    allocate(scratch);
    const int height = finish_.shape().height;
    for (int y = 0; y < height; y += band_) {
      const int rows = std::min(band_, height - y);
      for (int r = 0; r < rows; ++r) {
        blend_rows(y + r);
        blend_columns(levels_ + static_cast<std::size_t>(r) * finish_.row_elements());
      }
      finish_.levels(levels_, y, rows, destination, finishing_, kernels_);
    }
  }

 private:
  void place_even_columns() {
    const std::int64_t leftmost =
        x_axis_.coordinate(x_axis_.is_mirrored() ? x_axis_.output - 1 : 0);
    const std::int64_t tap = leftmost - (x_axis_.half_width == 0 ? 0 : fixed::pixel / 2);
    even_begin_ = static_cast<int>(tap >> fixed::coordinate_bits);
    even_right_ = static_cast<std::int16_t>(x_axis_.half_width == 0 ? 0 : tap & (fixed::pixel - 1));
    mid_.range.first = std::min(mid_.read.first, even_begin_);
    mid_.range.last = std::max(mid_.read.last, even_begin_ + x_axis_.output + 1);
  }

  void allocate(RenderScratch& scratch) {
    constexpr int group = 2;  // kernels take taps in pairs
    band_ = finish_.rows_at_once();
    const std::size_t row = finish_.row_elements();
    const auto padding = static_cast<std::size_t>(mid_.channels) * group;

    ScratchLayout layout;
    const std::size_t y_table = layout.reserve(table_bytes(y_axis_, group));
    const std::size_t x_table = layout.reserve(evenly_ ? 0 : table_bytes(x_axis_, group));
    const std::size_t blend = layout.reserve(evenly_ ? 0 : blend_bytes());
    const std::size_t prepared = layout.reserve(
        evenly_ ? 0
                : kernels_.prepared_bytes(x_axis_.output, mid_.channels, x_axis_.max_taps() + 1));
    const std::size_t rows = layout.reserve(static_cast<std::size_t>(y_axis_.max_taps() + 1) *
                                            sizeof(const std::uint8_t*));
    const std::size_t mid =
        layout.reserve((mid_.elements() + padding) * sizeof(std::int16_t) + Kernels::slack);
    const std::size_t mirrored = layout.reserve(row + Kernels::slack);
    const std::size_t levels =
        layout.reserve(static_cast<std::size_t>(band_) * row + Kernels::slack);
    const std::size_t finishing = layout.reserve(finish_.scratch_bytes());
    if (scratch.bytes.size() < layout.size()) scratch.bytes.resize(layout.size());

    std::byte* memory = ScratchLayout::align(scratch.bytes.data());
    y_table_ = make_table(y_axis_, group, memory + y_table);
    rows_ = reinterpret_cast<const std::uint8_t**>(memory + rows);
    mid_.memory = reinterpret_cast<std::int16_t*>(memory + mid);
    mirrored_ = reinterpret_cast<std::uint8_t*>(memory + mirrored);
    levels_ = reinterpret_cast<std::uint8_t*>(memory + levels);
    finishing_ = memory + finishing;
    if (!evenly_) {
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

  void blend_rows(int y) {
    int count = y_table_.count[y];
    for (int t = 0; t < count; ++t) {
      const int row = fill_index(y_table_.first[y] + t, y_axis_.source, y_axis_.fill);
      rows_[t] = pixels_.row<std::uint8_t>(row - decoded_.top) +
                 static_cast<std::ptrdiff_t>(mid_.read.first - decoded_.left) * mid_.channels;
    }
    if (count % 2 != 0) {  // a tap of weight 0
      rows_[count] = rows_[count - 1];
      ++count;
    }
    kernels_.blend_rows(rows_, y_table_.weights_of(y), count,
                        y_table_.constant_weight[y] * constant_, mid_.read_elements(),
                        mid_.at(mid_.read.first));
    mid_.extend(x_axis_, static_cast<std::int16_t>(constant_ << fixed::mid_bits));
  }

  void blend_columns(std::uint8_t* out) const {
    if (!evenly_) {
      kernels_.blend_columns(mid_.memory, columns_, out);
      return;
    }
    const auto left = static_cast<std::int16_t>(fixed::one - even_right_);
    const bool mirror = x_axis_.is_mirrored();
    kernels_.blend_shifted(mid_.at(even_begin_), mid_.channels, left, even_right_,
                           finish_.row_elements(), mirror ? mirrored_ : out);
    if (mirror) kernels_.mirror(mirrored_, finish_.shape().width, mid_.channels, out);
  }

  const ImageView& pixels_;
  const Region& decoded_;
  const Finish& finish_;
  const Kernels& kernels_;
  Axis y_axis_;
  Axis x_axis_;
  bool evenly_;
  std::int32_t constant_;        // what fills, in levels
  int even_begin_ = 0;           // column of the leftmost output's left tap
  std::int16_t even_right_ = 0;  // weight of right taps
  ColumnBlend columns_;
  AxisTable y_table_;
  int band_ = 0;

  const std::uint8_t** rows_ = nullptr;
  MidRow<std::int16_t> mid_;
  std::uint8_t* mirrored_ = nullptr;
  std::uint8_t* levels_ = nullptr;  // `band_` rows
  std::byte* finishing_ = nullptr;
};

}  // namespace

void render_levels(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                   const Finish& finish, std::byte* destination, RenderScratch& scratch,
                   const Kernels& kernels) {
  LevelRenderer(plan, pixels, decoded, finish, kernels).render(destination, scratch);
}

}  // namespace headrace
