#include "tests/formats/jpeg_fixtures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>

// Uses size_t and FILE without declaring them: stays behind the others.
#include <jpeglib.h>

namespace headrace::fixtures {

Error error_of(DecodeSession& session, std::span<const std::byte> bytes) {
  try {
    decode(session, bytes, 3);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "decoded without an error";
  return Error(ErrorCode::backend, "");
}

Image photo(int height, int width) {
  Image image({height, width, 3});
  std::mt19937 rng(static_cast<unsigned>(height * 1000 + width));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      auto* const pixel = image.row<std::uint8_t>(y) + 3 * x;
      for (int c = 0; c < 3; ++c) {
        const int wave = (x * (c + 2) * 5 + y * (7 - 2 * c) * 3) % 400;
        const int value = std::abs(wave - 200) + static_cast<int>(rng() % 40);
        pixel[c] = static_cast<std::uint8_t>(std::min(value, 255));
      }
    }
  }
  return image;
}

Bytes encode_as(const Image& image, const Layout& layout) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  const ImageView view = image.view();
  info.image_width = static_cast<JDIMENSION>(view.shape.width);
  info.image_height = static_cast<JDIMENSION>(view.shape.height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, layout.quality, TRUE);
  if (layout.grey) jpeg_set_colorspace(&info, JCS_GRAYSCALE);
  info.comp_info[0].h_samp_factor = layout.horizontal;
  info.comp_info[0].v_samp_factor = layout.vertical;
  info.restart_interval = layout.restart_interval;
  info.arith_code = layout.arithmetic;
  info.optimize_coding = layout.optimised;
  if (layout.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  for (int y = 0; y < view.shape.height; ++y) {
    auto* row = const_cast<JSAMPLE*>(view.row<JSAMPLE>(y));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  const auto bytes = std::as_bytes(std::span(memory, size));
  Bytes result(bytes.begin(), bytes.end());
  jpeg_destroy_compress(&info);
  std::free(memory);
  return result;
}

std::size_t find_marker(const Bytes& bytes, unsigned char marker) {
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] == std::byte{0xFF} && bytes[i + 1] == std::byte{marker}) return i;
  }
  throw std::runtime_error("no such marker");
}

}  // namespace headrace::fixtures
