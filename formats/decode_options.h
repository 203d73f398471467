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
  // Do not bring the colour of baseline JPEG files, which mostly has half the rows and columns, to
  // full resolution: resample it as it is stored, beside the brightness, and make RGB of the
  // result. Faster; pixels differ, by about a quarter of a level in the mean, more where colours clip
  // (docs/loading.md). Changes nothing where the file or the recipe is not for that: files of
  // another kind, of grey or with colour at full resolution, or with an EXIF orientation; recipes
  // of one channel, that turn or shear, of filters but triangle and linear and fill modes but
  // nearest, constant and reflect; where fast_scale takes less than all, and where decoded pixels
  // are kept (SampleCache::pixels).
  bool fast_chroma = false;
  // Where regions of JPEG files begin (seek_index.h). Changes no pixel. May be null.
  std::shared_ptr<const SeekIndex> seek_index = {};
};

}  // namespace headrace
