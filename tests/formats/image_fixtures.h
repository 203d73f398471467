#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "../support/fixtures.h"
#include "headrace/pipeline/decoder.h"
#include "headrace/pipeline/image.h"

// The images of tests/fixtures/images (made by script/fixtures/images.py) and what tests do with
// them.
namespace headrace::fixtures {

using Bytes = std::vector<std::byte>;

inline std::filesystem::path image_folder() {
  return std::filesystem::path(fixtures_folder()) / "images";
}

inline Bytes read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + path.string());
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline Bytes image_file(const std::string& name) { return read_file(image_folder() / name); }

inline std::vector<std::byte> pixels_of(const Image& image) {
  const ImageView view = image.view();
  return {view.data, view.data + view.row_bytes * static_cast<std::size_t>(view.shape.height)};
}

// The reference pixels of a fixture: a binary PGM or PPM as Pillow writes them.
inline Image reference(const std::string& name) {
  const auto path = image_folder() / (name + ".pnm");
  std::ifstream stream(path, std::ios::binary);
  std::string magic;
  int width = 0;
  int height = 0;
  int maximum = 0;
  stream >> magic >> width >> height >> maximum;
  stream.get();
  Image image({height, width, magic == "P5" ? 1 : 3});
  stream.read(image.row<char>(0), static_cast<std::streamsize>(image.shape().elements()));
  if (!stream) throw std::runtime_error("cannot read " + path.string());
  return image;
}

inline Region whole(const ImageShape& shape) { return {0, 0, shape.height, shape.width}; }

// Opens and decodes the whole image.
inline Image decode(DecodeSession& session, std::span<const std::byte> bytes, int channels) {
  const ImageInfo info = session.open(bytes);
  Image image;
  session.decode({whole(info.shape), channels}, image);
  return image;
}

}  // namespace headrace::fixtures
