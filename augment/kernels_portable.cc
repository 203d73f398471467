#include <algorithm>
#include <array>
#include <cstring>

#include "headrace/augment/fixed_point.h"
#include "headrace/augment/half.h"
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

void blend_shifted(const std::int16_t* mid, std::size_t pitch, int rows, int distance,
                   std::int16_t second, std::size_t count, std::uint8_t* out) {
  const std::int32_t first = fixed::one - second;
  for (int y = 0; y < rows; ++y, mid += pitch, out += count) {
    const std::int16_t* next = mid + distance;
    for (std::size_t e = 0; e < count; ++e) {
      out[e] = static_cast<std::uint8_t>(fixed::level(mid[e] * first + next[e] * second));
    }
  }
}

void blend_columns(const std::int16_t* mid, std::size_t pitch, int rows, const ColumnBlend& blend,
                   std::uint8_t* out) {
  for (int y = 0; y < rows; ++y, mid += pitch) {
    for (int x = 0; x < blend.width; ++x) {
      const std::int16_t* pixels =
          mid + static_cast<std::ptrdiff_t>(blend.first[x]) * blend.channels;
      for (int c = 0; c < blend.channels; ++c) {
        std::int32_t sum = blend.bias[x];
        for (int t = 0; t < blend.taps; ++t) {
          sum += pixels[t * blend.channels + c] * blend.weights[blend.weight_index(x, t)];
        }
        *out++ = static_cast<std::uint8_t>(fixed::level(sum));
      }
    }
  }
}

// A coordinate, and so what two neighbours weigh. The greater has no more than the rest of `one`.
struct Place {
  std::int32_t index;
  std::int32_t second;
};

std::int32_t clamped(std::int64_t c, int extent) {
  constexpr std::int64_t rounding = std::int64_t{1} << (fixed::map_shift - 1);
  const std::int64_t last = (extent - 1) * fixed::pixel;
  return static_cast<std::int32_t>(
      std::clamp<std::int64_t>((c + rounding) >> fixed::map_shift, 0, last));
}

Place place(std::int64_t c, int extent) {
  const std::int32_t at = clamped(c, extent);
  const std::int32_t index = std::min(at >> fixed::coordinate_bits, extent - 2);
  return {index, at - (index << fixed::coordinate_bits)};
}

template <int fixed_channels>
void sample_linear_of(const AffineRun& run, int count, std::uint8_t* out) {
  const int channels = fixed_channels > 0 ? fixed_channels : run.channels;
  std::int64_t x = run.x;
  std::int64_t y = run.y;
  for (int i = 0; i < count; ++i, x += run.dx, y += run.dy, out += channels) {
    const Place column = place(x, run.columns);
    const Place row = place(y, run.rows);
    const std::uint8_t* top = run.pixels + run.first + row.index * run.pitch +
                              static_cast<std::ptrdiff_t>(column.index) * channels;
    const std::uint8_t* bottom = top + run.pitch;
    for (int c = 0; c < channels; ++c) {
      const auto mid = [&](int e) {
        return fixed::mid_level(top[e] * (fixed::one - row.second) + bottom[e] * row.second);
      };
      out[c] = static_cast<std::uint8_t>(
          fixed::level(mid(c) * (fixed::one - column.second) + mid(c + channels) * column.second));
    }
  }
}

void sample_linear(const AffineRun& run, int count, std::uint8_t* out) {
  switch (run.channels) {
    case 1: return sample_linear_of<1>(run, count, out);
    case 3: return sample_linear_of<3>(run, count, out);
    default: return sample_linear_of<0>(run, count, out);
  }
}

template <int fixed_channels>
void sample_nearest_of(const AffineRun& run, int count, std::uint8_t* out) {
  const int channels = fixed_channels > 0 ? fixed_channels : run.channels;
  std::int64_t x = run.x;
  std::int64_t y = run.y;
  constexpr std::int32_t half = fixed::pixel / 2;
  for (int i = 0; i < count; ++i, x += run.dx, y += run.dy, out += channels) {
    const std::int32_t column = (clamped(x, run.columns) + half) >> fixed::coordinate_bits;
    const std::int32_t row = (clamped(y, run.rows) + half) >> fixed::coordinate_bits;
    const std::uint8_t* pixel =
        run.pixels + run.first + row * run.pitch + static_cast<std::ptrdiff_t>(column) * channels;
    for (int c = 0; c < channels; ++c) out[c] = pixel[c];
  }
}

void sample_nearest(const AffineRun& run, int count, std::uint8_t* out) {
  switch (run.channels) {
    case 1: return sample_nearest_of<1>(run, count, out);
    case 3: return sample_nearest_of<3>(run, count, out);
    default: return sample_nearest_of<0>(run, count, out);
  }
}

void mirror(const std::uint8_t* in, int rows, int width, int channels, std::uint8_t* out) {
  for (int y = 0; y < rows; ++y) {
    for (int x = width - 1; x >= 0; --x) {
      const std::uint8_t* pixel = in + static_cast<std::ptrdiff_t>(x) * channels;
      out = std::copy(pixel, pixel + channels, out);
    }
    in += static_cast<std::ptrdiff_t>(width) * channels;
  }
}

std::size_t prepared_bytes(int, int, int) { return 0; }

const std::byte* prepare_columns(const ColumnBlend&, std::byte*) { return nullptr; }

void split(const std::uint8_t* in, int channels, std::size_t pixels, std::uint8_t* out) {
  const auto stride = static_cast<std::size_t>(channels);
  for (std::size_t c = 0; c < stride; ++c) {
    for (std::size_t x = 0; x < pixels; ++x) *out++ = in[x * stride + c];
  }
}

void scale_levels(std::uint8_t* levels, std::size_t count, float factor, float summand) {
  for (std::size_t e = 0; e < count; ++e) {
    const float value = fixed::normalised(levels[e], factor, summand);
    levels[e] = static_cast<std::uint8_t>(value >= 255 ? 255.0f : value > 0 ? value : 0.0f);
  }
}

template <class Convert>
void normalise_as(Convert convert, const std::uint8_t* in, const Normalisation& numbers,
                  std::size_t count, std::byte* out) {
  std::array<decltype(convert(0.0f)), Normalisation::multiple> converted;
  std::size_t phase = 0;
  for (std::size_t begin = 0; begin < count; begin += converted.size()) {
    const std::size_t block = std::min(converted.size(), count - begin);
    const float* scale = numbers.scale + phase;
    const float* offset = numbers.offset + (numbers.offset_repeats ? phase : begin);
    for (std::size_t e = 0; e < block; ++e) {
      converted[e] = convert(fixed::normalised(in[begin + e], scale[e], offset[e]));
    }
    std::memcpy(out + begin * sizeof converted[0], converted.data(), block * sizeof converted[0]);
    phase += converted.size();
    if (phase == numbers.period) phase = 0;
  }
}

void normalise(const std::uint8_t* in, const Normalisation& numbers, std::size_t count,
               std::byte* out) {
  if (numbers.type == ElementType::f16) {
    normalise_as(to_f16, in, numbers, count, out);
  } else if (numbers.type == ElementType::bf16) {
    normalise_as(to_bf16, in, numbers, count, out);
  } else {
    normalise_as([](float value) { return value; }, in, numbers, count, out);
  }
}

void settle() {}

}  // namespace

const Kernels& portable_kernels() {
  static const Kernels kernels = {
      "portable",      blend_rows,    blend_shifted, prepared_bytes,
      prepare_columns, blend_columns, sample_linear, sample_nearest,
      nullptr,         nullptr,       nullptr,       mirror,
      split,           scale_levels,  normalise,     &portable_paint_kernels(),
      settle};
  return kernels;
}

}  // namespace headrace
