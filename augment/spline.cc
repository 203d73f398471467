#include "headrace/augment/spline.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "headrace/augment/axis.h"
#include "headrace/augment/continuation.h"
#include "headrace/augment/fixed_point.h"

namespace headrace {
namespace {

// Its powers fade below a double's precision within `reach` samples.
const double pole = std::sqrt(3.0) - 2.0;
constexpr int reach = 32;
constexpr int wide_margin = 12;  // scipy's

bool has_margin(FillMode fill) { return fill == FillMode::nearest || fill == FillMode::constant; }

// Samples, with `reach` more at both ends, to coefficients.
void filter_line(std::vector<double>& line) {
  for (double& value : line) value *= 6;
  for (std::size_t i = 1; i < line.size(); ++i) line[i] += pole * line[i - 1];
  line.back() *= pole / (pole - 1);
  for (std::size_t i = line.size() - 1; i-- > 0;) line[i] = pole * (line[i + 1] - line[i]);
}

struct Taps4 {
  std::array<int, 4> index;
  std::array<double, 4> weight;
};

// False if the constant is there.
bool taps_at(std::int64_t c, int extent, FillMode fill, Taps4& taps) {
  if (!enter_image<fixed::map_bits>(c, extent, fill)) return false;
  const auto first = static_cast<int>(c >> fixed::map_bits) - 1;
  for (int t = 0; t < 4; ++t) {
    taps.index[static_cast<std::size_t>(t)] = fill_index(first + t, extent, fill_of_taps(fill));
  }
  constexpr double unit = 1.0 / (std::int64_t{1} << fixed::map_bits);
  const double t = static_cast<double>(static_cast<std::uint32_t>(c)) * unit;
  const double s = 1 - t;
  taps.weight = {s * s * s / 6, (4 - 6 * t * t + 3 * t * t * t) / 6,
                 (4 - 6 * s * s + 3 * s * s * s) / 6, t * t * t / 6};
  return true;
}

}  // namespace

SplineImage::SplineImage(const SamplePlan& plan, const ImageView& pixels, const Region&)
    : grid_(plan),
      output_(plan.output),
      fill_(plan.fill_mode),
      constant_(plan.fill_value),
      channels_(pixels.shape.channels),
      margin_(has_margin(plan.fill_mode) ? wide_margin : 0),
      size_{plan.source.height + 2 * margin_, plan.source.width + 2 * margin_} {
  load(pixels);
  filter_rows();
  filter_columns();
}

void SplineImage::load(const ImageView& pixels) {
  const int height = pixels.shape.height;
  const int width = pixels.shape.width;
  coefficients_.resize(ImageShape{size_.height, size_.width, channels_}.elements());
  double* to = coefficients_.data();
  for (int y = -margin_; y < height + margin_; ++y) {
    const int row = fill_index(y, height, fill_);
    for (int x = -margin_; x < width + margin_; ++x) {
      const int column = fill_index(x, width, fill_);
      for (int c = 0; c < channels_; ++c, ++to) {
        const auto element = static_cast<std::ptrdiff_t>(column) * channels_ + c;
        if (row < 0 || column < 0) {
          *to = constant_;
        } else if (pixels.type == ElementType::u8) {
          *to = pixels.row<std::uint8_t>(row)[element];
        } else {
          *to = static_cast<double>(pixels.row<float>(row)[element]);
        }
      }
    }
  }
}

void SplineImage::filter_rows() {
  const FillMode fill = fill_of_taps(fill_);
  std::vector<double> line(static_cast<std::size_t>(size_.width + 2 * reach));
  if (size_.width == 1) return;
  for (int y = 0; y < size_.height; ++y) {
    double* row = coefficients_.data() + static_cast<std::ptrdiff_t>(y) * size_.width * channels_;
    for (int c = 0; c < channels_; ++c) {
      for (int x = -reach; x < size_.width + reach; ++x) {
        const int from = fill_index(x, size_.width, fill);
        line[static_cast<std::size_t>(x + reach)] =
            from < 0 ? constant_ : row[static_cast<std::ptrdiff_t>(from) * channels_ + c];
      }
      filter_line(line);
      for (int x = 0; x < size_.width; ++x) {
        row[static_cast<std::ptrdiff_t>(x) * channels_ + c] =
            line[static_cast<std::size_t>(x + reach)];
      }
    }
  }
}

void SplineImage::filter_columns() {
  const FillMode fill = fill_of_taps(fill_);
  std::vector<double> line(static_cast<std::size_t>(size_.height + 2 * reach));
  if (size_.height == 1) return;
  const std::ptrdiff_t pitch = static_cast<std::ptrdiff_t>(size_.width) * channels_;
  for (std::ptrdiff_t e = 0; e < pitch; ++e) {
    for (int y = -reach; y < size_.height + reach; ++y) {
      const int from = fill_index(y, size_.height, fill);
      line[static_cast<std::size_t>(y + reach)] =
          from < 0 ? constant_ : coefficients_[static_cast<std::size_t>(from * pitch + e)];
    }
    filter_line(line);
    for (int y = 0; y < size_.height; ++y) {
      coefficients_[static_cast<std::size_t>(y * pitch + e)] =
          line[static_cast<std::size_t>(y + reach)];
    }
  }
}

void SplineImage::row(int y, float* out) const {
  const std::int64_t margin = std::int64_t{margin_} << fixed::map_bits;
  for (int x = 0; x < output_.width; ++x, out += channels_) {
    Taps4 rows;
    Taps4 columns;
    if (!taps_at(grid_.y + y * grid_.yy + x * grid_.yx + margin, size_.height, fill_, rows) ||
        !taps_at(grid_.x + y * grid_.xy + x * grid_.xx + margin, size_.width, fill_, columns)) {
      std::fill_n(out, channels_, static_cast<float>(constant_));
      continue;
    }
    for (int c = 0; c < channels_; ++c) {
      double sum = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t j = 0; j < 4; ++j) {
          const std::ptrdiff_t at =
              (static_cast<std::ptrdiff_t>(rows.index[i]) * size_.width + columns.index[j]) *
                  channels_ +
              c;
          const bool filled = rows.index[i] < 0 || columns.index[j] < 0;
          sum += rows.weight[i] * columns.weight[j] *
                 (filled ? constant_ : coefficients_[static_cast<std::size_t>(at)]);
        }
      }
      out[c] = static_cast<float>(sum);
    }
  }
}

}  // namespace headrace
