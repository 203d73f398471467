#include <algorithm>
#include <array>
#include <vector>

#include "headrace/augment/affine.h"
#include "headrace/augment/axis.h"
#include "headrace/augment/continuation.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/augment/spline.h"

namespace headrace {
namespace {

// Up to two taps; those without weight are left out, so that one pixel that is not finite spoils no
// more than it must.
struct Taps2 {
  int count = 0;
  std::array<int, 2> index{};
  std::array<float, 2> weight{};
};

class AffineValues {
 public:
  AffineValues(const SamplePlan& plan, const ImageView& pixels, const Region& decoded)
      : plan_(plan), pixels_(pixels), decoded_(decoded), grid_(plan) {}

  void row(int y, float* out) const {
    const int channels = pixels_.shape.channels;
    for (int x = 0; x < plan_.output.width; ++x, out += channels) {
      Taps2 rows;
      Taps2 columns;
      if (!taps_at(grid_.y + y * grid_.yy + x * grid_.yx, plan_.source.height, rows) ||
          !taps_at(grid_.x + y * grid_.xy + x * grid_.xx, plan_.source.width, columns)) {
        std::fill_n(out, channels, plan_.fill_value);
        continue;
      }
      std::fill_n(out, channels, 0.0f);
      for (std::size_t j = 0; j < static_cast<std::size_t>(columns.count); ++j) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(rows.count); ++i) {
          add(rows.index[i], columns.index[j], rows.weight[i] * columns.weight[j], out);
        }
      }
    }
  }

 private:
  bool taps_at(std::int64_t c, int extent, Taps2& taps) const {
    constexpr int bits = fixed::map_bits;
    if (!enter_image<bits>(c, extent, plan_.fill_mode)) return false;
    const FillMode fill = fill_of_taps(plan_.fill_mode);
    if (plan_.filter == Filter::nearest) {
      constexpr std::int64_t half = std::int64_t{1} << (bits - 1);
      taps = {1, {fill_index(static_cast<int>((c + half) >> bits), extent, fill)}, {1.0f}};
      return true;
    }
    // 24 bits of the fraction are what a float holds exactly.
    const auto fraction = static_cast<std::uint32_t>(c) >> 8;
    const float second = static_cast<float>(fraction) * 0x1p-24f;
    const auto first = static_cast<int>(c >> bits);
    taps.count = fraction == 0 ? 1 : 2;
    taps.index = {fill_index(first, extent, fill),
                  fraction == 0 ? 0 : fill_index(first + 1, extent, fill)};
    taps.weight = {1.0f - second, second};
    return true;
  }

  void add(int row, int column, float weight, float* out) const {
    const int channels = pixels_.shape.channels;
    if (row < 0 || column < 0) {
      for (int c = 0; c < channels; ++c) out[c] += weight * plan_.fill_value;
      return;
    }
    const float* pixel = pixels_.row<float>(row - decoded_.top) +
                         static_cast<std::ptrdiff_t>(column - decoded_.left) * channels;
    for (int c = 0; c < channels; ++c) out[c] += weight * pixel[c];
  }

  const SamplePlan& plan_;
  const ImageView& pixels_;
  const Region& decoded_;
  AffineGrid grid_;
};

template <class Sampler>
void render(const Sampler& sampler, const Finish& finish, std::byte* destination) {
  std::vector<float> values(finish.row_elements());
  for (int y = 0; y < finish.shape().height; ++y) {
    sampler.row(y, values.data());
    finish.values(values.data(), y, destination);
  }
}

}  // namespace

void render_affine_values(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                          const Finish& finish, std::byte* destination, RenderScratch&) {
  if (plan.filter == Filter::cubic) {
    render(SplineImage(plan, pixels, decoded), finish, destination);
  } else {
    render(AffineValues(plan, pixels, decoded), finish, destination);
  }
}

}  // namespace headrace
