#pragma once

#include <cstdint>

#include "headrace/formats/luma.h"

// Private to formats.
namespace headrace {

// (a b) / 255, rounded; exact for 8-bit factors.
inline unsigned multiply_255(unsigned a, unsigned b) {
  const unsigned product = a * b + 128;
  return (product + (product >> 8)) >> 8;
}

// One row of CMYK to 3 channels, RGB, or 1, luma. Inverted: as files with an Adobe marker store it.
inline void convert_cmyk(const std::uint8_t* from, int width, bool inverted, int channels,
                         std::uint8_t* to) {
  const unsigned flip = inverted ? 0 : 255;
  for (int x = 0; x < width; ++x, from += 4, to += channels) {
    const unsigned light = from[3] ^ flip;  // 255 - K
    const unsigned r = multiply_255(from[0] ^ flip, light);
    const unsigned g = multiply_255(from[1] ^ flip, light);
    const unsigned b = multiply_255(from[2] ^ flip, light);
    if (channels == 1) {
      to[0] = luma601(r, g, b);
    } else {
      to[0] = static_cast<std::uint8_t>(r);
      to[1] = static_cast<std::uint8_t>(g);
      to[2] = static_cast<std::uint8_t>(b);
    }
  }
}

}  // namespace headrace
