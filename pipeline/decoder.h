#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "headrace/pipeline/image.h"

namespace headrace {

struct ColourPlanes;

// What an image file's headers say.
struct ImageInfo {
  ImageShape shape;  // as stored: before any orientation; channels as the file has them
  // EXIF orientation, 1..8; 1 is upright.
  int orientation = 1;
  // That pixels are indices into a palette, which DecodeRequest::indices gives as they are.
  bool has_indices = false;
};

struct DecodeRequest {
  Region region;     // in stored pixels; must lie inside the image
  int channels = 3;  // 1 (luminance) or 3 (RGB); other inputs are converted
  // The resolution, of 8 / 8: 8, or what DecodeSession::least_eighths() said. The region is one of
  // the image at that resolution (see size_at_eighths()).
  int eighths = 8;
  // Not the colours of a palette, but the indices into it: of images that have_indices, to one
  // channel.
  bool indices = false;
};

// The decoding of one image after another on one thread. Keeps its tables and scratch from image
// to image. Not for use by two threads at a time.
class DecodeSession {
 public:
  virtual ~DecodeSession() = default;

  // Starts on an image: parses its headers. `encoded` must stay valid until the next open().
  // Throws Error{corrupt_data} or Error{unsupported}; the session can then open another image.
  virtual ImageInfo open(std::span<const std::byte> encoded) = 0;

  // As open(), with RecordValue::hint, valid as long as `encoded`. It makes decoding faster and
  // changes no pixel: one that is not about these very bytes is passed over.
  virtual ImageInfo open_with_hint(std::span<const std::byte> encoded,
                                   std::span<const std::byte> hint) {
    static_cast<void>(hint);
    return open(encoded);
  }

  // The least resolution, in eighths, at which the open image may be decoded if it is then shrunk
  // at least `spare` times (counted at full resolution) by averaging. 8 unless the decoder was told
  // that speed matters more than the last levels of a pixel.
  virtual int least_eighths(double spare) const {
    static_cast<void>(spare);
    return 8;
  }

  // Decodes at least `request.region` of the open image into `into` (u8, reshaped), and returns
  // the region that was decoded; pixels in it equal those of a decode of the whole image at that
  // resolution.
  // Throws Error{corrupt_data} if the data end early or are damaged.
  virtual Region decode(const DecodeRequest& request, Image& into) = 0;

  // Decodes at least `region` of the open image at full resolution, without making pixels of what
  // is stored (colour_planes.h), and two more pixels on each side in planes that have fewer. Valid
  // until the session is used again. Null if the image, or this part of it, has to be decoded by
  // decode(), which then may be called as before: unless the decoder was told that speed matters
  // more than the last levels of colour, and the image is stored so, that is always the case. For
  // the same region of the same bytes it is null always or never.
  virtual const ColourPlanes* decode_planes(const Region& region) {
    static_cast<void>(region);
    return nullptr;
  }
};

// A kind of image file, or several. Const and safe to call from many threads at once.
class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual std::unique_ptr<DecodeSession> session() const = 0;
  // Differs when the pixels it gives for the same bytes may differ.
  virtual std::uint64_t fingerprint() const = 0;
};

}  // namespace headrace
