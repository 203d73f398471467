#pragma once

#include <cstddef>
#include <cstdint>

namespace headrace {

// A row of outputs of a projective map. Output i comes from (x_step i + x) / d - 1/2 pixels and
// (y_step i + y) / d - 1/2, of d = divisor_step i + divisor; pixel k lies at k.
struct ProjectedRow {
  double x_step = 0, x = 0;
  double y_step = 0, y = 0;
  double divisor_step = 0, divisor = 1;
};

// The inner loops of painting on levels (painter.h), of three channels in turn where colours are
// told apart. Every set computes the same bits.
struct PaintKernels {
  // level e becomes tables[e % channels][level].
  void (*look_up)(std::uint8_t* levels, std::size_t count, const std::uint8_t (*tables)[256],
                  std::size_t channels);
  // The sum of pixels' brightness, each cut to a whole level.
  std::uint64_t (*sum_luma)(const std::uint8_t* levels, std::size_t pixels);
  // The least and the greatest level of each place e % period, of `period` each. At least a period.
  void (*find_range)(const std::uint8_t* levels, std::size_t count, std::size_t period,
                     std::uint8_t* least, std::uint8_t* greatest);
  void (*to_grey)(std::uint8_t* levels, std::size_t pixels);
  void (*scale_saturation)(std::uint8_t* levels, std::size_t pixels, float factor);
  // By sixths of the circle, in [0, 6).
  void (*turn_hue)(std::uint8_t* levels, std::size_t pixels, float sixths);
  // Levels from the threshold on become 255 - level.
  void (*invert_from)(std::uint8_t threshold, std::uint8_t* levels, std::size_t count);
  // A row but for its first and last pixel: each level moves by `factor` times the way to the mean
  // of the 3x3 pixels around it, the middle one weighing 5 of 13, which is rounded first.
  void (*sharpen)(const std::uint8_t* above, const std::uint8_t* row, const std::uint8_t* below,
                  std::size_t channels, std::size_t count, float factor, std::uint8_t* out);
  // sums[e] = sum over t of rows[t][e] * weights[t], in this order.
  void (*weigh)(const float* const* rows, const float* weights, std::size_t taps, std::size_t count,
                float* sums);
  void (*to_values)(const std::uint8_t* levels, std::size_t count, float* out);
  // Rounded to the nearest level, to the even one if halfway, and clipped.
  void (*round_levels)(const float* values, std::size_t count, std::uint8_t* out);

  // Where pixels come from, in 2^-14 pixels; no farther than this from pixel 0.
  static constexpr double farthest_place = 1 << 30;
  void (*project)(const ProjectedRow& row, std::size_t count, std::int32_t* x, std::int32_t* y);
  // What Rng(seed, epoch) draws, as numbers from -1 to below 1: next_u32() / 2^8, in 2^-23, less 1.
  void (*noise)(std::uint64_t seed, std::uint64_t epoch, std::size_t count, float* numbers);
  // Output i of the row from (i, row) + strength * (field[2 i], field[2 i + 1]) pixels.
  void (*displace)(const float* field, float strength, std::int32_t row, std::size_t count,
                   std::int32_t* x, std::int32_t* y);
};

const PaintKernels& portable_paint_kernels();
// For CPUs that avx2_kernels() and avx512_kernels() are for; x86 has them alone.
const PaintKernels& avx2_paint_kernels();
const PaintKernels& avx512_paint_kernels();

}  // namespace headrace
