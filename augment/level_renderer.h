#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "headrace/augment/axis.h"
#include "headrace/augment/axis_table.h"
#include "headrace/augment/kernels.h"
#include "headrace/augment/mid_row.h"
#include "headrace/pipeline/image.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// The geometry of a plan that keeps rows and columns, for u8 images of one size: what is known of
// it before there are pixels is made once. Rows are blended first, then columns, some rows at a
// time: by one pair of weights where outputs lie one pixel apart (columns are mirrored afterwards),
// else by a table.
class LevelRenderer {
 public:
  // `rows`: at most so many are made at a time.
  LevelRenderer(const SamplePlan& plan, int channels, int rows, const Kernels& kernels);

  // Memory for tables and for rows under way: first all that share a layout reserve, then each
  // prepares, with the start of that layout.
  void reserve(ScratchLayout& layout);
  void prepare(std::byte* memory);

  // Makes outputs of rows [y, y + rows) of an image, of which `pixels` show `decoded`; rows follow
  // one another. May write Kernels::slack bytes beyond their end. One thread at a time.
  void make_rows(const ImageView& pixels, const Region& decoded, int y, int rows,
                 std::uint8_t* out) const;

 private:
  // What makes the outputs of an axis on which they lie one pixel apart: each is of two
  // neighbouring indices, or what fills their places, by the same two weights.
  struct EvenTaps {
    int begin = 0;            // the lesser index of the output that lies lowest
    std::int16_t second = 0;  // weight of the greater index; the lesser has the rest
  };
  // An image, and where the parts of it are that mid rows are made of.
  struct Source {
    const ImageView& pixels;
    const Region& decoded;
    std::ptrdiff_t first_column;  // in elements

    const std::uint8_t* row(int index) const {
      return pixels.row<std::uint8_t>(index - decoded.top) + first_column;
    }
  };
  struct Places {
    std::size_t y_table, x_table, blend, prepared, rows, mid, mirrored;
  };

  static std::optional<EvenTaps> even_taps(const Axis& axis);
  std::size_t row_elements() const {
    return static_cast<std::size_t>(x_axis_.output) * static_cast<std::size_t>(mid_.channels);
  }
  bool is_by_whole_pixels() const {
    return even_y_ && even_x_ && even_y_->second == 0 && even_x_->second == 0;
  }
  std::size_t blend_bytes() const;
  void make_column_blend(const AxisTable& table, std::byte* memory);
  int even_row(int y) const;
  void copy_rows(const Source& source, int y, int rows, std::uint8_t* out) const;
  void copy_row(const Source& source, int index, std::uint8_t* out) const;
  void blend_rows(const Source& source, int y, int rows) const;
  void blend_even_row(const Source& source, int y, std::int16_t* mid) const;
  void blend_table_row(const Source& source, int y, std::int16_t* mid) const;
  void blend_rows_given(const std::int16_t* weights, int taps, std::int32_t constant_weight,
                        std::int16_t* mid) const;
  void blend_columns(int rows, std::uint8_t* out) const;

  const Kernels& kernels_;
  Axis y_axis_;
  Axis x_axis_;
  std::optional<EvenTaps> even_y_;
  std::optional<EvenTaps> even_x_;
  std::int32_t constant_;  // what fills, in levels
  ColumnBlend columns_;
  AxisTable y_table_;
  int mid_rows_ = 0;  // rows that are blended together
  Places places_{};
  const std::uint8_t** rows_ = nullptr;
  MidRows<std::int16_t> mid_;
  std::uint8_t* mirrored_ = nullptr;  // `mid_rows_` rows
};

}  // namespace headrace
