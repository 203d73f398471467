#include "headrace/train/cpu/long_rows.h"

#include <algorithm>
#include <array>

#include "headrace/train/cpu/clones.h"
#include "headrace/train/cpu/vectors.h"

namespace headrace::cpu {
namespace {

constexpr std::int64_t piece = 2'048;       // of a row
constexpr std::int64_t high = 2, wide = 4;  // products made side by side, in registers

template <std::int64_t count>
using Rows = std::array<const float*, count>;

}  // namespace

// sums[i][j] += a[i] b[j], of `length` values each.
HEADRACE_CLONES
void add_dot_products(const Rows<high>& a, const Rows<wide>& b, std::int64_t length, float* sums) {
  alignas(64) Floats parts[high][wide] = {};
  const std::int64_t vectors = length / lanes * lanes;
  for (std::int64_t k = 0; k < vectors; k += lanes) {
    for (std::size_t i = 0; i < high; ++i) {
      const Floats left = *reinterpret_cast<const Floats*>(a[i] + k);
      for (std::size_t j = 0; j < wide; ++j) {
        parts[i][j] += left * *reinterpret_cast<const Floats*>(b[j] + k);
      }
    }
  }
  for (std::size_t i = 0; i < high; ++i) {
    for (std::size_t j = 0; j < wide; ++j) {
      float sum = 0;
      for (std::int64_t lane = 0; lane < lanes; ++lane) sum += parts[i][j][lane];
      for (std::int64_t k = vectors; k < length; ++k) sum += a[i][k] * b[j][k];
      sums[i * wide + j] += sum;
    }
  }
}

namespace {

struct Matrix {
  const float* data;
  std::int64_t rows;
  std::int64_t length;

  // Some of its rows, from a column on. Beyond the last it is the last again.
  template <std::int64_t count>
  Rows<count> rows_from(std::int64_t first, std::int64_t column) const {
    Rows<count> chosen;
    for (std::int64_t i = 0; i < count; ++i) {
      chosen[static_cast<std::size_t>(i)] = data + std::min(first + i, rows - 1) * length + column;
    }
    return chosen;
  }
};

}  // namespace

bool are_long_rows(std::int64_t units, std::int64_t length) {
  return units <= 32 && length >= 2 * piece;
}

void multiply_long_rows(const float* x, std::int64_t rows, const float* w, std::int64_t units,
                        std::int64_t length, float* y) {
  const Matrix left{x, rows, length}, right{w, units, length};
  std::fill_n(y, rows * units, 0.0f);
  for (std::int64_t done = 0; done < length; done += piece) {
    const std::int64_t size = std::min(piece, length - done);
    for (std::int64_t row = 0; row < rows; row += high) {
      const auto a = left.rows_from<high>(row, done);
      for (std::int64_t unit = 0; unit < units; unit += wide) {
        const auto b = right.rows_from<wide>(unit, done);
        std::array<float, high * wide> sums{};
        add_dot_products(a, b, size, sums.data());
        for (std::int64_t i = row; i < std::min(row + high, rows); ++i) {
          for (std::int64_t j = unit; j < std::min(unit + wide, units); ++j) {
            y[i * units + j] += sums[static_cast<std::size_t>((i - row) * wide + j - unit)];
          }
        }
      }
    }
  }
}

}  // namespace headrace::cpu
