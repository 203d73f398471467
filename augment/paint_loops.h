#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "headrace/augment/painter.h"

// What PaintKernels compute, once for all: loops that compilers make vectors of, inlined into
// functions for one or another set of instructions. No floating-point operation is fused or
// reordered, so that all give the same bits.
#define HEADRACE_LOOP __attribute__((always_inline)) inline

namespace headrace::paint_loops {

HEADRACE_LOOP std::uint8_t cut(float value) {
  value = value < 0 ? 0.0f : value;
  return static_cast<std::uint8_t>(static_cast<int>(value > 255 ? 255.0f : value));
}

HEADRACE_LOOP void find_range(const std::uint8_t* levels, std::size_t count, std::size_t period,
                              std::uint8_t* least, std::uint8_t* greatest) {
  std::copy_n(levels, period, least);
  std::copy_n(levels, period, greatest);
  std::size_t begin = period;
  for (; begin + period <= count; begin += period) {
    for (std::size_t e = 0; e < period; ++e) {
      const std::uint8_t level = levels[begin + e];
      least[e] = level < least[e] ? level : least[e];
      greatest[e] = level > greatest[e] ? level : greatest[e];
    }
  }
  for (std::size_t e = 0; begin + e < count; ++e) {
    least[e] = std::min(least[e], levels[begin + e]);
    greatest[e] = std::max(greatest[e], levels[begin + e]);
  }
}

// To the nearest whole number, the even one if halfway, as the processor rounds sums.
HEADRACE_LOOP float rounded(float value) {
  constexpr float ulp_is_one = 0x1.8p23f;
  const float sum = value + ulp_is_one;
  return sum - ulp_is_one;
}

HEADRACE_LOOP void sharpen(const std::uint8_t* above, const std::uint8_t* row,
                           const std::uint8_t* below, std::size_t channels, std::size_t count,
                           float factor, std::uint8_t* out) {
  for (std::size_t e = channels; e + channels < count; ++e) {
    const std::size_t left = e - channels;
    const std::size_t right = e + channels;
    const int sum = above[left] + above[e] + above[right] + row[left] + 5 * row[e] + row[right] +
                    below[left] + below[e] + below[right];
    const float soft = rounded(static_cast<float>(sum) * (1 / 13.0f));
    const auto centre = static_cast<float>(row[e]);
    const float change = (soft - centre) * factor;
    out[e] = cut(centre + change);
  }
}

template <class Floats>
HEADRACE_LOOP void add_weighed(const float* from, float weight, Floats& sum) {
  Floats values;
  std::memcpy(&values, from, sizeof values);
  sum = sum + values * weight;
}

// Of so many lanes as a register has, since compilers would exchange these loops; four times that
// at once, so that additions need not wait for each other.
template <class Floats>
HEADRACE_LOOP void weigh(const float* const* rows, const float* weights, std::size_t taps,
                         std::size_t count, float* sums) {
  constexpr std::size_t lanes = sizeof(Floats) / sizeof(float);
  std::size_t begin = 0;
  for (; begin + 4 * lanes <= count; begin += 4 * lanes) {
    Floats a = {};
    Floats b = {};
    Floats c = {};
    Floats d = {};
    for (std::size_t t = 0; t < taps; ++t) {
      const float* from = rows[t] + begin;
      add_weighed(from, weights[t], a);
      add_weighed(from + lanes, weights[t], b);
      add_weighed(from + 2 * lanes, weights[t], c);
      add_weighed(from + 3 * lanes, weights[t], d);
    }
    std::memcpy(sums + begin, &a, sizeof a);
    std::memcpy(sums + begin + lanes, &b, sizeof b);
    std::memcpy(sums + begin + 2 * lanes, &c, sizeof c);
    std::memcpy(sums + begin + 3 * lanes, &d, sizeof d);
  }
  for (; begin + lanes <= count; begin += lanes) {
    Floats sum = {};
    for (std::size_t t = 0; t < taps; ++t) add_weighed(rows[t] + begin, weights[t], sum);
    std::memcpy(sums + begin, &sum, sizeof sum);
  }
  for (; begin < count; ++begin) {
    float sum = 0;
    for (std::size_t t = 0; t < taps; ++t) {
      const float weighed = rows[t][begin] * weights[t];
      sum = sum + weighed;
    }
    sums[begin] = sum;
  }
}

HEADRACE_LOOP void to_values(const std::uint8_t* levels, std::size_t count, float* out) {
  for (std::size_t e = 0; e < count; ++e) out[e] = static_cast<float>(levels[e]);
}

HEADRACE_LOOP void round_levels(const float* values, std::size_t count, std::uint8_t* out) {
  for (std::size_t e = 0; e < count; ++e) out[e] = cut(rounded(values[e]));
}

template <std::size_t channels>
HEADRACE_LOOP void look_up_of(std::uint8_t* levels, std::size_t count,
                              const std::uint8_t (*tables)[256]) {
  std::size_t e = 0;
  for (; e + channels <= count; e += channels) {
    for (std::size_t c = 0; c < channels; ++c) levels[e + c] = tables[c][levels[e + c]];
  }
  for (std::size_t c = 0; e + c < count; ++c) levels[e + c] = tables[c][levels[e + c]];
}

HEADRACE_LOOP void look_up(std::uint8_t* levels, std::size_t count,
                           const std::uint8_t (*tables)[256], std::size_t channels) {
  if (channels == 1) return look_up_of<1>(levels, count, tables);
  if (channels == 3) return look_up_of<3>(levels, count, tables);
  for (std::size_t e = 0; e < count; ++e) levels[e] = tables[e % channels][levels[e]];
}

HEADRACE_LOOP void invert_from(std::uint8_t threshold, std::uint8_t* levels, std::size_t count) {
  for (std::size_t e = 0; e < count; ++e) {
    const std::uint8_t level = levels[e];
    const auto inverted = static_cast<std::uint8_t>(~level);
    levels[e] = level >= threshold ? inverted : level;
  }
}

}  // namespace headrace::paint_loops
