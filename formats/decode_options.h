#pragma once

#include <cstdint>
#include <memory>

namespace headrace {

class SeekIndex;

// What decoders of image files accept.
struct DecodeOptions {
  // A file whose headers say that it holds more pixels is refused, before memory is taken for it.
  std::int64_t max_pixels = std::int64_t{1} << 28;
  // Decode JPEG files at the least resolution, of 1/8, 1/4, 1/2 and all, from which an antialiasing
  // resize still only shrinks. Much faster where large images become small ones; pixels differ, by
  // about half a level in the mean, since then the DCT does a part of the averaging. Without effect
  // where decoded pixels are kept (SampleCache::pixels).
  bool fast_scale = false;
  // Where regions of JPEG files begin (seek_index.h). Changes no pixel. May be null.
  std::shared_ptr<const SeekIndex> seek_index = {};
};

}  // namespace headrace
