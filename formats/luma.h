#pragma once

#include <cstdint>

namespace headrace {

// ITU-R BT.601 luma of 8-bit RGB in integers, as libjpeg and Pillow compute it. Private to formats.
inline std::uint8_t luma601(unsigned r, unsigned g, unsigned b) {
  return static_cast<std::uint8_t>((19595u * r + 38470u * g + 7471u * b + 32768u) >> 16);
}

}  // namespace headrace
