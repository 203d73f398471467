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

inline constexpr std::size_t block = 64;  // pixels at once

HEADRACE_LOOP std::uint8_t cut(float value) {
  value = value < 0 ? 0.0f : value;
  return static_cast<std::uint8_t>(static_cast<int>(value > 255 ? 255.0f : value));
}

// Three planes of a block of pixels.
struct Planes {
  alignas(64) std::array<std::array<float, block>, 3> of;
};

HEADRACE_LOOP void load(const std::uint8_t* levels, std::size_t pixels, Planes& planes) {
  for (std::size_t i = 0; i < pixels; ++i) {
    for (std::size_t c = 0; c < 3; ++c) planes.of[c][i] = levels[3 * i + c];
  }
}

HEADRACE_LOOP void store(const Planes& planes, std::size_t pixels, std::uint8_t* levels) {
  for (std::size_t i = 0; i < pixels; ++i) {
    for (std::size_t c = 0; c < 3; ++c) levels[3 * i + c] = cut(planes.of[c][i]);
  }
}

// Calls change(planes) for block after block.
template <class Change>
HEADRACE_LOOP void change_colours(std::uint8_t* levels, std::size_t pixels, const Change& change) {
  Planes planes{};
  for (std::size_t done = 0; done < pixels; done += block) {
    if (pixels - done >= block) {
      load(levels + 3 * done, block, planes);
      change(planes);
      store(planes, block, levels + 3 * done);
    } else {
      load(levels + 3 * done, pixels - done, planes);
      change(planes);
      store(planes, pixels - done, levels + 3 * done);
    }
  }
}

HEADRACE_LOOP float whole_luma(float red, float green, float blue) {
  return static_cast<float>(static_cast<int>(luma(red, green, blue)));
}

HEADRACE_LOOP std::uint64_t sum_luma(const std::uint8_t* levels, std::size_t pixels) {
  Planes planes{};
  std::uint64_t sum = 0;
  for (std::size_t done = 0; done < pixels; done += block) {
    const std::size_t count = std::min(block, pixels - done);
    if (count < block) planes = {};
    if (count == block) {
      load(levels + 3 * done, block, planes);
    } else {
      load(levels + 3 * done, count, planes);
    }
    std::int32_t some = 0;
    for (std::size_t i = 0; i < block; ++i) {
      some += static_cast<std::int32_t>(luma(planes.of[0][i], planes.of[1][i], planes.of[2][i]));
    }
    sum += static_cast<std::uint64_t>(some);
  }
  return sum;
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

HEADRACE_LOOP void to_grey(std::uint8_t* levels, std::size_t pixels) {
  change_colours(
      levels, pixels, [](Planes & planes) __attribute__((always_inline)) {
        auto& [red, green, blue] = planes.of;
        for (std::size_t i = 0; i < block; ++i) {
          red[i] = green[i] = blue[i] = luma(red[i], green[i], blue[i]);
        }
      });
}

HEADRACE_LOOP void scale_saturation(std::uint8_t* levels, std::size_t pixels, float factor) {
  change_colours(
      levels, pixels, [factor](Planes & planes) __attribute__((always_inline)) {
        auto& [red, green, blue] = planes.of;
        for (std::size_t i = 0; i < block; ++i) {
          const float rest = whole_luma(red[i], green[i], blue[i]) * (1 - factor);
          const float r = red[i] * factor;
          const float g = green[i] * factor;
          const float b = blue[i] * factor;
          red[i] = r + rest;
          green[i] = g + rest;
          blue[i] = b + rest;
        }
      });
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

HEADRACE_LOOP void look_up(std::uint8_t* levels, std::size_t count,
                           const std::uint8_t (*tables)[256], std::size_t channels) {
  std::size_t e = 0;
  for (; e + channels <= count; e += channels) {
    for (std::size_t c = 0; c < channels; ++c) levels[e + c] = tables[c][levels[e + c]];
  }
  for (std::size_t c = 0; e + c < count; ++c) levels[e + c] = tables[c][levels[e + c]];
}

}  // namespace headrace::paint_loops
