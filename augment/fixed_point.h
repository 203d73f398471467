#pragma once

#include <cstdint>

#include "headrace/augment/host_device.h"

// The arithmetic of resampling, in integers: whoever renders a plan (any vector unit, a GPU)
// computes exactly this. See axis.h for how the numbers come about.
//
//   coordinate  2^-14 pixels; pixel i covers [i, i + 1)
//   weight      2^-14; the weights of one output sum to exactly 1
//   mid level   2^-7 levels, of a row blended vertically: at most 32,640, so that it fits an int16
namespace headrace::fixed {

inline constexpr int coordinate_bits = 14;
inline constexpr std::int64_t pixel = std::int64_t{1} << coordinate_bits;
inline constexpr int weight_bits = 14;
inline constexpr std::int32_t one = std::int32_t{1} << weight_bits;
inline constexpr int mid_bits = 7;

// An affine map of one axis is held in 2^-32 pixels, so that 32,768 steps of it keep every bit of a
// coordinate.
inline constexpr int map_bits = 32;
inline constexpr int map_shift = map_bits - coordinate_bits;

// Where the centre of output `i` lies in the source.
HEADRACE_HOST_DEVICE inline std::int64_t coordinate(std::int64_t origin, std::int64_t step,
                                                    std::int64_t i) {
  return (origin + i * step + (std::int64_t{1} << (map_shift - 1))) >> map_shift;
}

// Of a sum of level * weight.
HEADRACE_HOST_DEVICE inline std::int32_t mid_level(std::int32_t sum) {
  constexpr int shift = weight_bits - mid_bits;
  return (sum + (1 << (shift - 1))) >> shift;
}

// Of a sum of mid level * weight.
HEADRACE_HOST_DEVICE inline std::int32_t level(std::int32_t sum) {
  constexpr int shift = weight_bits + mid_bits;
  return (sum + (1 << (shift - 1))) >> shift;
}

HEADRACE_HOST_DEVICE inline float normalised(float value, float scale, float offset) {
  const float scaled = value * scale;
  return scaled + offset;
}

}  // namespace headrace::fixed
