#pragma once

#include <cstddef>
#include <cstdint>

namespace headrace {

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
};

const PaintKernels& portable_paint_kernels();
// For CPUs that avx2_kernels() and avx512_kernels() are for; x86 has them alone.
const PaintKernels& avx2_paint_kernels();
const PaintKernels& avx512_paint_kernels();

}  // namespace headrace
