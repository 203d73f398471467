#pragma once

#include <cstdint>
#include <memory>
#include <optional>

namespace headrace {

class SeekIndex;

// In 8 bits, as the pixels of an image.
struct BackgroundColour {
  std::uint8_t red = 255;
  std::uint8_t green = 255;
  std::uint8_t blue = 255;
};

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
  // result. Faster; pixels differ, by about a quarter of a level in the mean, more where colours
  // clip (docs/loading.md). Changes nothing where the file or the recipe is not for that: files of
  // another kind, of grey or with colour at full resolution, or with an EXIF orientation; recipes
  // of one channel, that turn or shear, of filters but triangle and linear and fill modes but
  // nearest, constant and reflect; where fast_scale takes less than all, and where decoded pixels
  // are kept (SampleCache::pixels).
  bool fast_chroma = false;
  // What an image with an alpha channel, or a transparent colour, is put over. Absent: its colours
  // are taken as they are stored, and the alpha channel is dropped.
  std::optional<BackgroundColour> background = {};
  // Where regions of JPEG files begin (seek_index.h). Changes no pixel. May be null.
  std::shared_ptr<const SeekIndex> seek_index = {};
};

}  // namespace headrace
