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

// So many lines that lie side by side, of samples with `reach` more at both ends, to coefficients.
void filter_lines(double* samples, std::size_t length, std::size_t lines) {
  const std::size_t count = length * lines;
  for (std::size_t i = 0; i < count; ++i) samples[i] *= 6;
  for (std::size_t begin = lines; begin < count; begin += lines) {
    double* here = samples + begin;
    const double* before = here - lines;
    for (std::size_t i = 0; i < lines; ++i) here[i] += pole * before[i];
  }
  for (std::size_t i = count - lines; i < count; ++i) samples[i] *= pole / (pole - 1);
  for (std::size_t end = count - lines; end > 0; end -= lines) {
    double* here = samples + end - lines;
    const double* behind = here + lines;
    for (std::size_t i = 0; i < lines; ++i) here[i] = pole * (behind[i] - here[i]);
  }
}

// False if the constant is there.
template <class Taps>
bool taps_at(std::int64_t c, int extent, FillMode fill, Taps& taps) {
  if (!enter_image<fixed::map_bits>(c, extent, fill)) return false;
  const auto first = static_cast<int>(c >> fixed::map_bits) - 1;
  const bool inside = first >= 0 && first + 3 < extent;
  for (int t = 0; t < 4; ++t) {
    taps.index[static_cast<std::size_t>(t)] =
        inside ? first + t : fill_index(first + t, extent, fill_of_taps(fill));
  }
  constexpr double unit = 1.0 / (std::int64_t{1} << fixed::map_bits);
  const double t = static_cast<double>(static_cast<std::uint32_t>(c)) * unit;
  const double s = 1 - t;
  constexpr double sixth = 1.0 / 6;
  taps.weight = {s * s * s * sixth, (4 - 6 * t * t + 3 * t * t * t) * sixth,
                 (4 - 6 * s * s + 3 * s * s * s) * sixth, t * t * t * sixth};
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
  if (pixels.type == ElementType::u8) {
    load<std::uint8_t>(pixels);
  } else {
    load<float>(pixels);
  }
  filter_rows();
  filter_columns();
}

template <class T>
void SplineImage::load(const ImageView& pixels) {
  const int height = pixels.shape.height;
  const int width = pixels.shape.width;
  const auto channels = static_cast<std::size_t>(channels_);
  coefficients_.resize(ImageShape{size_.height, size_.width, channels_}.elements());
  double* to = coefficients_.data();
  for (int y = -margin_; y < height + margin_; ++y) {
    const int row = fill_index(y, height, fill_);
    for (int x = -margin_; x < width + margin_; ++x, to += channels) {
      const int column = x >= 0 && x < width ? x : fill_index(x, width, fill_);
      if (row < 0 || column < 0) {
        std::fill_n(to, channels, constant_);
        continue;
      }
      const T* pixel = pixels.row<T>(row) + static_cast<std::ptrdiff_t>(column) * channels_;
      for (std::size_t c = 0; c < channels; ++c) to[c] = static_cast<double>(pixel[c]);
    }
  }
}

// Filters lines of `length` points, each of `together` values that follow one another, at
// data[point * step]; `others` such lines lie beside it, at data[line * other_step].
void SplineImage::filter(double* data, int length, std::ptrdiff_t step, std::size_t together,
                         std::size_t others, std::ptrdiff_t other_step) const {
  const FillMode fill = fill_of_taps(fill_);
  const std::size_t lines = together * others;
  std::vector<double> samples(static_cast<std::size_t>(length + 2 * reach) * lines);
  double* at = samples.data();
  for (int i = -reach; i < length + reach; ++i) {
    const int from = fill_index(i, length, fill);
    for (std::size_t k = 0; k < others; ++k, at += together) {
      if (from < 0) {
        std::fill_n(at, together, constant_);
      } else {
        std::copy_n(data + from * step + static_cast<std::ptrdiff_t>(k) * other_step, together, at);
      }
    }
  }
  filter_lines(samples.data(), static_cast<std::size_t>(length + 2 * reach), lines);
  at = samples.data() + reach * lines;
  for (int i = 0; i < length; ++i) {
    for (std::size_t k = 0; k < others; ++k, at += together) {
      std::copy_n(at, together, data + i * step + static_cast<std::ptrdiff_t>(k) * other_step);
    }
  }
}

void SplineImage::filter_rows() {
  if (size_.width == 1) return;
  constexpr int rows = 8;
  const std::ptrdiff_t pitch = static_cast<std::ptrdiff_t>(size_.width) * channels_;
  for (int y = 0; y < size_.height; y += rows) {
    filter(coefficients_.data() + y * pitch, size_.width, channels_,
           static_cast<std::size_t>(channels_),
           static_cast<std::size_t>(std::min(rows, size_.height - y)), pitch);
  }
}

void SplineImage::filter_columns() {
  if (size_.height == 1) return;
  constexpr std::ptrdiff_t columns = 24;
  const std::ptrdiff_t pitch = static_cast<std::ptrdiff_t>(size_.width) * channels_;
  for (std::ptrdiff_t e = 0; e < pitch; e += columns) {
    filter(coefficients_.data() + e, size_.height, pitch,
           static_cast<std::size_t>(std::min(columns, pitch - e)), 1, 0);
  }
}

template <std::size_t channels>
void SplineImage::blend(const Taps4& rows, const Taps4& columns, float* out) const {
  constexpr std::size_t values = 4 * channels;
  std::array<const double*, 4> from;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(rows.index[i]) * size_.width;
    from[i] =
        coefficients_.data() + (at + columns.index[0]) * static_cast<std::ptrdiff_t>(channels);
  }
  std::array<double, values> down;
  for (std::size_t e = 0; e < values; ++e) {
    down[e] = from[0][e] * rows.weight[0] + from[1][e] * rows.weight[1] +
              from[2][e] * rows.weight[2] + from[3][e] * rows.weight[3];
  }
  for (std::size_t c = 0; c < channels; ++c) {
    out[c] = static_cast<float>(
        down[c] * columns.weight[0] + down[c + channels] * columns.weight[1] +
        down[c + 2 * channels] * columns.weight[2] + down[c + 3 * channels] * columns.weight[3]);
  }
}

void SplineImage::blend_singly(const Taps4& rows, const Taps4& columns, float* out) const {
  for (int c = 0; c < channels_; ++c) {
    const auto at = [&](std::size_t i, std::size_t j) {
      if (rows.index[i] < 0 || columns.index[j] < 0) return constant_;
      const std::ptrdiff_t pixel =
          static_cast<std::ptrdiff_t>(rows.index[i]) * size_.width + columns.index[j];
      return coefficients_[static_cast<std::size_t>(pixel * channels_ + c)];
    };
    double sum = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      double down = 0;
      for (std::size_t i = 0; i < 4; ++i) down += at(i, j) * rows.weight[i];
      sum += down * columns.weight[j];
    }
    out[c] = static_cast<float>(sum);
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
    const bool follow = columns.index[0] >= 0 && columns.index[1] == columns.index[0] + 1 &&
                        columns.index[2] == columns.index[0] + 2 &&
                        columns.index[3] == columns.index[0] + 3 &&
                        *std::min_element(rows.index.begin(), rows.index.end()) >= 0;
    if (follow && channels_ == 3) {
      blend<3>(rows, columns, out);
    } else if (follow && channels_ == 1) {
      blend<1>(rows, columns, out);
    } else {
      blend_singly(rows, columns, out);
    }
  }
}

}  // namespace headrace
