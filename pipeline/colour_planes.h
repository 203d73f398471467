#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "headrace/pipeline/image.h"

namespace headrace {

// A part of an image as photos are stored: levels of brightness (Y) and of two colours (Cb, Cr),
// of which there may be fewer. A view; valid for as long as who gave it says.
struct ColourPlanes {
  struct Plane {
    ImageView pixels;  // one channel, u8
    Region region;     // what they show, in pixels of the plane
    ImageSize whole;   // of the plane, not of what is shown
    // Rows and columns of the image that a pixel of the plane covers, from the top left corner on;
    // the last ones may cover what lies beyond the image.
    ImageSize step{1, 1};
  };
  std::array<Plane, 3> planes;

  // Makes `count` pixels of three bytes, RGB, of as many of each plane. May read Image::padding
  // bytes beyond those; writes exactly.
  void (*to_rgb)(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr,
                 std::size_t count, std::uint8_t* rgb) = nullptr;
};

}  // namespace headrace
