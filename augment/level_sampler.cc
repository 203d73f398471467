#include "headrace/augment/level_sampler.h"

#include <algorithm>

#include "headrace/augment/axis.h"
#include "headrace/augment/fixed_point.h"

namespace headrace {
namespace {

constexpr int bits = fixed::coordinate_bits;

}  // namespace

LevelSampler::LevelSampler(const ImageView& pixels, const Region& decoded, ImageSize size,
                           FillMode fill, std::uint8_t constant)
    : pixels_(pixels),
      decoded_(decoded),
      size_(size),
      fill_(fill),
      taps_fill_(fill_of_taps(fill)),
      constant_(constant) {}

bool LevelSampler::enter(std::int64_t& x, std::int64_t& y, std::uint8_t* out) const {
  if (enter_image<bits>(x, size_.width, fill_) && enter_image<bits>(y, size_.height, fill_)) {
    return true;
  }
  std::fill_n(out, pixels_.shape.channels, constant_);
  return false;
}

int LevelSampler::row(std::int64_t index) const {
  return fill_index(static_cast<int>(index), size_.height, taps_fill_);
}

int LevelSampler::column(std::int64_t index) const {
  return fill_index(static_cast<int>(index), size_.width, taps_fill_);
}

const std::uint8_t* LevelSampler::tap(int row, int column) const {
  if (row < 0 || column < 0) return nullptr;
  return pixels_.row<std::uint8_t>(row - decoded_.top) +
         static_cast<std::ptrdiff_t>(column - decoded_.left) * pixels_.shape.channels;
}

void LevelSampler::take(std::int64_t x, std::int64_t y, std::uint8_t* out) const {
  if (!enter(x, y, out)) return;
  constexpr std::int64_t half = fixed::pixel / 2;
  const std::uint8_t* from = tap(row((y + half) >> bits), column((x + half) >> bits));
  for (int c = 0; c < pixels_.shape.channels; ++c) out[c] = from == nullptr ? constant_ : from[c];
}

void LevelSampler::blend(std::int64_t x, std::int64_t y, std::uint8_t* out) const {
  if (!enter(x, y, out)) return;
  const auto wx = static_cast<std::int32_t>(x & (fixed::pixel - 1));
  const auto wy = static_cast<std::int32_t>(y & (fixed::pixel - 1));
  const int top = row(y >> bits);
  const int bottom = wy == 0 ? top : row((y >> bits) + 1);
  const int left = column(x >> bits);
  const int right = wx == 0 ? left : column((x >> bits) + 1);
  const std::uint8_t* taps[] = {tap(top, left), tap(bottom, left), tap(top, right),
                                tap(bottom, right)};
  for (int c = 0; c < pixels_.shape.channels; ++c) {
    const auto level = [&](int t) -> std::int32_t {
      return taps[t] == nullptr ? constant_ : taps[t][c];
    };
    const auto mid = [&](int t) {
      return fixed::mid_level(level(t) * (fixed::one - wy) + level(t + 1) * wy);
    };
    out[c] = static_cast<std::uint8_t>(fixed::level(mid(0) * (fixed::one - wx) + mid(2) * wx));
  }
}

}  // namespace headrace
