#pragma once

#include <cstddef>
#include <span>

#include "headrace/formats/jpeg.h"
#include "headrace/pipeline/error.h"
#include "tests/formats/image_fixtures.h"

// JPEG files for tests, made by libjpeg.
namespace headrace::fixtures {

inline std::unique_ptr<DecodeSession> jpeg_session() { return make_jpeg_decoder()->session(); }

// The error of opening and decoding, or a failure of the test if there is none.
Error error_of(DecodeSession& session, std::span<const std::byte> bytes);

// Smooth colour with some noise.
Image photo(int height, int width);

struct Layout {
  int horizontal = 1;  // sampling factors of the luma
  int vertical = 1;
  bool progressive = false;
  unsigned restart_interval = 0;
  bool arithmetic = false;
  int quality = 75;
  bool optimised = false;  // with Huffman tables of its own
  bool grey = false;
};

// libjpeg's encoder with everything that encode_jpeg() leaves at its default. The image is RGB.
Bytes encode_as(const Image& image, const Layout& layout);

// Where the first such marker is. Throws if there is none.
std::size_t find_marker(const Bytes& bytes, unsigned char marker);

}  // namespace headrace::fixtures
