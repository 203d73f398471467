#pragma once

#include <cstdint>

namespace headrace {

// What decoders of image files accept.
struct DecodeOptions {
  // A file whose headers say that it holds more pixels is refused, before memory is taken for it.
  std::int64_t max_pixels = std::int64_t{1} << 28;
};

}  // namespace headrace
