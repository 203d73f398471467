#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "headrace/augment/colour_blocks.h"
#include "headrace/augment/hue_circle.h"
#include "headrace/augment/paint_loops.h"
#include "headrace/augment/painter.h"

// What PaintKernels compute of colours, as paint_loops.h does the rest. `Colours` splits levels
// into blocks, and joins them.
namespace headrace::paint_loops {

inline constexpr std::size_t block = ColourBlock::pixels;

// Three planes of a block of pixels.
struct Planes {
  alignas(64) std::array<std::array<float, block>, 3> of;
};

template <class Colours>
HEADRACE_LOOP void load(const std::uint8_t* levels, Planes& planes) {
  ColourBlock colours;
  Colours::split(levels, colours);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < block; ++i) planes.of[c][i] = colours.of[c][i];
  }
}

template <class Colours>
HEADRACE_LOOP void store(const Planes& planes, std::uint8_t* levels) {
  ColourBlock colours;
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < block; ++i) colours.of[c][i] = cut(planes.of[c][i]);
  }
  Colours::join(colours, levels);
}

// Calls change(planes) for block after block; what the last one lacks is black.
template <class Colours, class Change>
HEADRACE_LOOP void change_colours(std::uint8_t* levels, std::size_t pixels, const Change& change) {
  Planes planes;
  std::array<std::uint8_t, ColourBlock::levels> rest{};
  const std::size_t bytes = 3 * pixels;
  for (std::size_t done = 0; done < bytes; done += rest.size()) {
    const bool whole = bytes - done >= rest.size();
    std::uint8_t* at = whole ? levels + done : rest.data();
    if (!whole) std::copy_n(levels + done, bytes - done, at);
    load<Colours>(at, planes);
    change(planes);
    store<Colours>(planes, at);
    if (!whole) std::copy_n(at, bytes - done, levels + done);
  }
}

template <class Colours>
HEADRACE_LOOP std::uint64_t sum_luma(const std::uint8_t* levels, std::size_t pixels) {
  Planes planes;
  std::array<std::uint8_t, ColourBlock::levels> rest{};
  const std::size_t bytes = 3 * pixels;
  std::uint64_t sum = 0;
  for (std::size_t done = 0; done < bytes; done += rest.size()) {
    const bool whole = bytes - done >= rest.size();
    if (!whole) std::copy_n(levels + done, bytes - done, rest.data());
    load<Colours>(whole ? levels + done : rest.data(), planes);
    std::int32_t some = 0;
    for (std::size_t i = 0; i < block; ++i) {
      some += static_cast<std::int32_t>(luma(planes.of[0][i], planes.of[1][i], planes.of[2][i]));
    }
    sum += static_cast<std::uint64_t>(some);
  }
  return sum;
}

template <class Colours>
HEADRACE_LOOP void to_grey(std::uint8_t* levels, std::size_t pixels) {
  change_colours<Colours>(
      levels, pixels, [](Planes & planes) __attribute__((always_inline)) {
        auto& [red, green, blue] = planes.of;
        for (std::size_t i = 0; i < block; ++i) {
          red[i] = green[i] = blue[i] = luma(red[i], green[i], blue[i]);
        }
      });
}

HEADRACE_LOOP float whole_luma(float red, float green, float blue) {
  return static_cast<float>(static_cast<int>(luma(red, green, blue)));
}

template <class Colours>
HEADRACE_LOOP void scale_saturation(std::uint8_t* levels, std::size_t pixels, float factor) {
  change_colours<Colours>(
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

// As torchvision goes from values of 0 to 1 back to levels.
inline constexpr float back_to_levels = 255.999f / 255;

template <class Colours>
HEADRACE_LOOP void turn_hue(std::uint8_t* levels, std::size_t pixels, float sixths) {
  change_colours<Colours>(
      levels, pixels, [sixths](Planes & planes) __attribute__((always_inline)) {
        auto& [red, green, blue] = planes.of;
        for (std::size_t i = 0; i < block; ++i) {
          float r = red[i];
          float g = green[i];
          float b = blue[i];
          turn_hue(r, g, b, sixths);
          red[i] = r * back_to_levels;
          green[i] = g * back_to_levels;
          blue[i] = b * back_to_levels;
        }
      });
}

}  // namespace headrace::paint_loops
