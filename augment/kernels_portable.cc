#include <algorithm>
#include <array>

#include "headrace/augment/fixed_point.h"
#include "headrace/augment/kernels.h"

namespace headrace {
namespace {

void blend_rows(const std::uint8_t* const* rows, const std::int16_t* weights, int taps,
                std::int32_t bias, std::size_t count, std::int16_t* mid) {
  std::array<std::int32_t, 64> sums;  // blocks let the compiler use vectors
  for (std::size_t begin = 0; begin < count; begin += sums.size()) {
    const std::size_t block = std::min(sums.size(), count - begin);
    sums.fill(bias);
    for (int t = 0; t < taps; ++t) {
      const std::uint8_t* row = rows[t] + begin;
      const std::int32_t weight = weights[t];
      for (std::size_t e = 0; e < block; ++e) sums[e] += row[e] * weight;
    }
    for (std::size_t e = 0; e < block; ++e) {
      mid[begin + e] = static_cast<std::int16_t>(fixed::mid_level(sums[e]));
    }
  }
}

void blend_shifted(const std::int16_t* mid, int distance, std::int16_t left, std::int16_t right,
                   std::size_t count, std::uint8_t* out) {
  const std::int16_t* next = mid + distance;
  for (std::size_t e = 0; e < count; ++e) {
    out[e] = static_cast<std::uint8_t>(fixed::level(mid[e] * left + next[e] * right));
  }
}

void blend_columns(const std::int16_t* mid, const ColumnBlend& blend, std::uint8_t* out) {
  for (int x = 0; x < blend.width; ++x) {
    const std::int16_t* pixels = mid + static_cast<std::ptrdiff_t>(blend.first[x]) * blend.channels;
    for (int c = 0; c < blend.channels; ++c) {
      std::int32_t sum = blend.bias[x];
      for (int t = 0; t < blend.taps; ++t) {
        sum += pixels[t * blend.channels + c] * blend.weights[blend.weight_index(x, t)];
      }
      *out++ = static_cast<std::uint8_t>(fixed::level(sum));
    }
  }
}

void mirror(const std::uint8_t* in, int width, int channels, std::uint8_t* out) {
  for (int x = 0; x < width; ++x) {
    const std::uint8_t* pixel = in + static_cast<std::ptrdiff_t>(width - 1 - x) * channels;
    out = std::copy(pixel, pixel + channels, out);
  }
}

void normalise(const std::uint8_t* in, float scale, const float* offset, std::size_t count,
               float* out) {
  for (std::size_t e = 0; e < count; ++e) out[e] = fixed::normalised(in[e], scale, offset[e]);
}

}  // namespace

const Kernels& portable_kernels() {
  static const Kernels kernels = {"portable",    blend_rows, blend_shifted,
                                  blend_columns, mirror,     normalise};
  return kernels;
}

}  // namespace headrace
