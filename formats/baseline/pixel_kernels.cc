#include "headrace/formats/baseline/pixel_kernels.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "headrace/formats/baseline/inverse_dct_constants.h"

namespace headrace::baseline {
namespace {

// One pass over eight values that lie `step` apart (figure 1 of the paper, backwards).
void transform(const std::int32_t* in, std::size_t step, int shift, std::int32_t* out) {
  const auto at = [&](std::size_t i) { return in[i * step]; };
  const std::int32_t rotated = (at(2) + at(6)) * dct::f0_541;
  const std::int32_t even2 = rotated - at(6) * dct::f1_847;
  const std::int32_t even3 = rotated + at(2) * dct::f0_765;
  const std::int32_t even0 = (at(0) + at(4)) * (1 << dct::constant_bits);
  const std::int32_t even1 = (at(0) - at(4)) * (1 << dct::constant_bits);
  const std::array<std::int32_t, 4> even = {even0 + even3, even1 + even2, even1 - even2,
                                            even0 - even3};

  const std::int32_t z1 = (at(7) + at(1)) * -dct::f0_899;
  const std::int32_t z2 = (at(5) + at(3)) * -dct::f2_562;
  const std::int32_t z5 = (at(7) + at(3) + at(5) + at(1)) * dct::f1_175;
  const std::int32_t z3 = (at(7) + at(3)) * -dct::f1_961 + z5;
  const std::int32_t z4 = (at(5) + at(1)) * -dct::f0_390 + z5;
  const std::array<std::int32_t, 4> odd = {
      at(1) * dct::f1_501 + z1 + z4, at(3) * dct::f3_072 + z2 + z3, at(5) * dct::f2_053 + z2 + z4,
      at(7) * dct::f0_298 + z1 + z3};
  const std::int32_t half = 1 << (shift - 1);
  for (std::size_t i = 0; i < 4; ++i) {
    out[i * step] = (even[i] + odd[i] + half) >> shift;
    out[(7 - i) * step] = (even[i] - odd[i] + half) >> shift;
  }
}

// The same, to the means of two neighbours.
void transform_to_4(const std::int32_t* in, std::size_t step, int shift, std::int32_t* out) {
  const auto at = [&](std::size_t i) { return in[i * step]; };
  const std::int32_t whole = at(0) * (1 << (dct::constant_bits + 1));
  const std::int32_t rotated = at(2) * dct::f1_847 - at(6) * dct::f0_765;
  const std::array<std::int32_t, 2> even = {whole + rotated, whole - rotated};
  const std::array<std::int32_t, 2> odd = {
      at(1) * dct::f2_562 + at(3) * dct::f0_899 - at(5) * dct::f0_601 - at(7) * dct::f0_509,
      at(1) * dct::f1_061 - at(3) * dct::f2_172 + at(5) * dct::f1_451 - at(7) * dct::f0_211};
  const std::int32_t half = 1 << shift;
  for (std::size_t i = 0; i < 2; ++i) {
    out[i * step] = (even[i] + odd[i] + half) >> (shift + 1);
    out[(3 - i) * step] = (even[i] - odd[i] + half) >> (shift + 1);
  }
}

// And of four.
void transform_to_2(const std::int32_t* in, std::size_t step, int shift, std::int32_t* out) {
  const auto at = [&](std::size_t i) { return in[i * step]; };
  const std::int32_t even = at(0) * (1 << (dct::constant_bits + 2));
  const std::int32_t odd =
      at(1) * dct::f3_624 - at(3) * dct::f1_272 + at(5) * dct::f0_850 - at(7) * dct::f0_720;
  const std::int32_t half = 1 << (shift + 1);
  out[0] = (even + odd + half) >> (shift + 2);
  out[step] = (even - odd + half) >> (shift + 2);
}

using Transform = void(const std::int32_t* in, std::size_t step, int shift, std::int32_t* out);

template <std::size_t side, Transform pass>
bool inverse_dct_block(const BlockTransform& block) {
  std::array<std::int32_t, 64> values;
  std::int64_t energy = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = block.coefficients[i] * block.quantization[i];
    energy += std::abs(values[i]);
  }
  if (energy > PixelKernels::most_energy) return false;
  for (std::size_t x = 0; x < 8; ++x) {
    pass(&values[x], 8, dct::constant_bits - dct::pass_bits, &values[x]);
  }
  int highest = 0;
  std::uint8_t* samples = block.samples;
  for (std::size_t y = 0; y < side; ++y, samples += block.row_bytes) {
    std::array<std::int32_t, side> row;
    pass(&values[8 * y], 1, dct::constant_bits + dct::pass_bits + 3, row.data());
    for (std::size_t x = 0; x < side; ++x) {
      highest = std::max(highest, std::abs(row[x]));
      samples[x] = static_cast<std::uint8_t>(std::clamp(row[x] + 128, 0, 255));
    }
  }
  return highest <= PixelKernels::most_level;
}

template <std::size_t side, Transform pass>
bool inverse_dct(const BlockTransform& a, const BlockTransform& b) {
  return inverse_dct_block<side, pass>(a) && inverse_dct_block<side, pass>(b);
}

void blend_rows(const std::uint8_t* near, const std::uint8_t* far, std::size_t count,
                std::uint16_t* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<std::uint16_t>(3 * near[i] + far[i]);
}

void interpolate(const std::uint16_t* in, std::size_t count, const Interpolation& how,
                 std::uint8_t* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned nearer = 3u * in[i];
    const unsigned before = *(in + i - 1);
    const unsigned after = in[i + 1];
    out[2 * i] = static_cast<std::uint8_t>((nearer + before + how.even) >> how.shift);
    out[2 * i + 1] = static_cast<std::uint8_t>((nearer + after + how.odd) >> how.shift);
  }
}

std::uint8_t clamp_level(int value) { return static_cast<std::uint8_t>(std::clamp(value, 0, 255)); }

void to_rgb(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr,
            std::size_t count, std::uint8_t* rgb) {
  constexpr int half = 1 << 15;
  for (std::size_t i = 0; i < count; ++i, rgb += 3) {
    const int blue = cb[i] - 128;
    const int red = cr[i] - 128;
    rgb[0] = clamp_level(y[i] + ((91881 * red + half) >> 16));
    rgb[1] = clamp_level(y[i] + ((-22554 * blue - 46802 * red + half) >> 16));
    rgb[2] = clamp_level(y[i] + ((116130 * blue + half) >> 16));
  }
}

}  // namespace

const PixelKernels& portable_pixel_kernels() {
  static const PixelKernels kernels = {"portable",
                                       inverse_dct<8, transform>,
                                       inverse_dct<4, transform_to_4>,
                                       inverse_dct<2, transform_to_2>,
                                       blend_rows,
                                       interpolate,
                                       to_rgb};
  return kernels;
}

const std::vector<const PixelKernels*>& available_pixel_kernels() {
  static const std::vector<const PixelKernels*> all = [] {
    std::vector<const PixelKernels*> found = {&portable_pixel_kernels()};
    if (const PixelKernels* const kernels = avx2_pixel_kernels()) found.push_back(kernels);
    return found;
  }();
  return all;
}

}  // namespace headrace::baseline
