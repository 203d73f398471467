#include "headrace/formats/image_header.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

#include "headrace/formats/exif.h"
#include "headrace/formats/gif.h"
#include "headrace/formats/png_chunks.h"
#include "headrace/formats/tiff_directory.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using Bytes = std::span<const std::byte>;

[[noreturn]] void corrupt(ImageKind kind, const std::string& what) {
  throw Error(ErrorCode::corrupt_data, std::string(name_of(kind)) + " " + what);
}

[[noreturn]] void unsupported(const std::string& what) {
  throw Error(ErrorCode::unsupported, what);
}

bool has_at(Bytes file, std::size_t offset, std::string_view text) noexcept {
  return file.size() >= offset + text.size() &&
         std::memcmp(file.data() + offset, text.data(), text.size()) == 0;
}

void require(ImageKind kind, Bytes file, std::uint64_t bytes) {
  if (file.size() >= bytes) return;
  corrupt(kind,
          "ends after " + std::to_string(file.size()) + " of " + std::to_string(bytes) + " bytes");
}

// A little-endian number of `count` bytes. Requires them to be there.
std::uint32_t number(Bytes file, std::size_t offset, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value |= std::to_integer<std::uint32_t>(file[offset + i]) << (8 * i);
  }
  return value;
}

ImageShape shape_of(ImageKind kind, std::uint64_t height, std::uint64_t width, int channels) {
  constexpr std::uint64_t most = std::numeric_limits<std::int32_t>::max();
  if (height == 0 || width == 0) corrupt(kind, "has no pixels");
  if (height > most || width > most) corrupt(kind, "has a size that no image has");
  return {static_cast<int>(height), static_cast<int>(width), channels};
}

ImageInfo read_png(Bytes file) {
  ImageInfo info;
  PngChunks chunks(file);
  std::uint64_t data_bytes = 0;
  unsigned bits = 0;
  bool palette = false;
  bool palette_alpha = false;
  unsigned colour = 0;
  while (const auto chunk = chunks.next()) {
    if (info.shape.height == 0) {
      if (chunk->type != "IHDR" || chunk->data.size() != 13)
        corrupt(ImageKind::png, "has no header");
      const auto side = [&](std::size_t at) { return PngChunks::u32(chunk->data, at); };
      bits = std::to_integer<unsigned>(chunk->data[8]);
      colour = std::to_integer<unsigned>(chunk->data[9]);
      constexpr std::array<int, 7> channels = {1, 0, 3, 3, 2, 0, 4};
      if (colour >= channels.size() || channels[colour] == 0 || bits == 0 || bits > 16) {
        corrupt(ImageKind::png, "has a damaged header");
      }
      info.shape = shape_of(ImageKind::png, side(4), side(0), channels[colour]);
    } else if (chunk->type == "IDAT") {
      data_bytes += chunk->data.size();
    } else if (chunk->type == "PLTE") {
      palette = true;
    } else if (chunk->type == "tRNS" && colour == 3) {
      palette_alpha = true;
    } else if (chunk->type == "eXIf") {
      info.orientation = exif_orientation(chunk->data);
    }
  }
  if (colour == 3 && !palette) corrupt(ImageKind::png, "has no palette");
  // deflate packs no more than 1032 bytes into one.
  const std::uint64_t samples = std::uint64_t(info.shape.width) *
                                (colour == 3 ? 1u : static_cast<unsigned>(info.shape.channels));
  const std::uint64_t row_bytes = (samples * bits + 7) / 8 + 1;
  if (row_bytes > data_bytes * 1032 / static_cast<unsigned>(info.shape.height) + 1) {
    corrupt(ImageKind::png, "has too little data for its " + std::to_string(info.shape.height) +
                                "x" + std::to_string(info.shape.width) + " pixels");
  }
  if (palette_alpha) info.shape.channels = 4;
  info.has_indices = colour == 3;
  return info;
}

int webp_orientation(Bytes file) {
  for (std::uint64_t at = 12; at + 8 <= file.size();) {
    const std::uint64_t size = number(file, at + 4, 4);
    if (has_at(file, at, "EXIF")) {
      Bytes exif = file.subspan(at + 8);
      exif = exif.first(std::min<std::size_t>(exif.size(), size));
      // Some programs put a JPEG's prefix before it.
      return std::max(exif_orientation(exif), app1_orientation(exif));
    }
    at += 8 + size + size % 2;
  }
  return 1;
}

ImageInfo read_webp(Bytes file) {
  require(ImageKind::webp, file, 30);
  require(ImageKind::webp, file, std::uint64_t{number(file, 4, 4)} + 8);
  ImageInfo info;
  if (has_at(file, 12, "VP8X")) {
    const std::uint32_t flags = number(file, 20, 1);
    if (flags & 2) unsupported("animated WebP: extract one image of it");
    info.shape = shape_of(ImageKind::webp, number(file, 27, 3) + 1, number(file, 24, 3) + 1,
                          flags & 16 ? 4 : 3);
    info.orientation = webp_orientation(file);
  } else if (has_at(file, 12, "VP8L")) {
    const std::uint32_t head = number(file, 21, 4);
    info.shape = shape_of(ImageKind::webp, (head >> 14 & 0x3FFF) + 1, (head & 0x3FFF) + 1,
                          head >> 28 & 1 ? 4 : 3);
  } else if (has_at(file, 12, "VP8 ") && has_at(file, 23, "\x9D\x01\x2A")) {
    info.shape =
        shape_of(ImageKind::webp, number(file, 28, 2) & 0x3FFF, number(file, 26, 2) & 0x3FFF, 3);
  } else {
    corrupt(ImageKind::webp, "has a damaged header");
  }
  return info;
}

ImageInfo read_bmp(Bytes file) {
  constexpr std::uint32_t core_header = 12;
  require(ImageKind::bmp, file, 34);
  const bool core = number(file, 14, 4) == core_header;
  const auto width = core ? static_cast<std::int32_t>(number(file, 18, 2))
                          : static_cast<std::int32_t>(number(file, 18, 4));
  const std::int64_t height = core ? static_cast<std::int32_t>(number(file, 20, 2))
                                   : static_cast<std::int32_t>(number(file, 22, 4));
  const std::uint32_t bits = number(file, core ? 24 : 28, 2);
  const std::uint32_t compression = core ? 0 : number(file, 30, 4);
  if (width <= 0) corrupt(ImageKind::bmp, "has no pixels");
  const auto rows = static_cast<std::uint64_t>(height < 0 ? -height : height);  // top row first
  ImageInfo info;
  info.shape =
      shape_of(ImageKind::bmp, rows, static_cast<std::uint64_t>(width), bits == 32 ? 4 : 3);
  if (bits == 0 || bits > 32) corrupt(ImageKind::bmp, "has a damaged header");
  if (compression == 0) {
    const std::uint64_t row_bytes = (static_cast<std::uint64_t>(width) * bits + 31) / 32 * 4;
    require(ImageKind::bmp, file, number(file, 10, 4) + row_bytes * rows);
  }
  return info;
}

ImageInfo read_tiff(Bytes file) {
  constexpr std::uint16_t width_tag = 256;
  constexpr std::uint16_t height_tag = 257;
  constexpr std::uint16_t samples_tag = 277;
  const auto directory = TiffDirectory::find(file);
  if (!directory) corrupt(ImageKind::tiff, "ends before its first image, or is a BigTIFF");
  const auto width = directory->value(width_tag);
  const auto height = directory->value(height_tag);
  if (!width || !height) corrupt(ImageKind::tiff, "does not say its size");
  ImageInfo info;
  const auto samples = directory->value(samples_tag).value_or(1);
  if (samples < 1 || samples > 4) {
    unsupported("TIFF with " + std::to_string(samples) + " channels: 1 to 4 have a meaning");
  }
  info.shape = shape_of(ImageKind::tiff, *height, *width, static_cast<int>(samples));
  info.orientation = exif_orientation(file);
  return info;
}

// The next number of a PNM header: whitespace and comments before it.
std::uint64_t pnm_number(Bytes file, std::size_t& at) {
  const auto character = [&] {
    if (at >= file.size()) corrupt(ImageKind::pnm, "ends in its header");
    return std::to_integer<char>(file[at]);
  };
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  for (char c = character(); is_space(c) || c == '#'; c = character()) {
    if (c == '#') {
      while (character() != '\n') ++at;
    }
    ++at;
  }
  std::uint64_t value = 0;
  int digits = 0;
  for (char c = character(); c >= '0' && c <= '9' && digits < 10; ++digits) {
    value = value * 10 + static_cast<unsigned>(c - '0');
    ++at;
    c = character();
  }
  if (digits == 0) corrupt(ImageKind::pnm, "has a damaged header");
  return value;
}

ImageInfo read_pnm(Bytes file) {
  const int variant = std::to_integer<int>(file[1]) - '0';  // 1 to 6: text, then binary
  const bool bits = variant == 1 || variant == 4;
  const int channels = variant % 3 == 0 ? 3 : 1;
  std::size_t at = 2;
  const std::uint64_t width = pnm_number(file, at);
  const std::uint64_t height = pnm_number(file, at);
  const std::uint64_t maximum = bits ? 1 : pnm_number(file, at);
  ImageInfo info;
  info.shape = shape_of(ImageKind::pnm, height, width, channels);
  if (!bits && maximum != 255 && maximum != 65535) {
    unsupported("PNM with a maximum of " + std::to_string(maximum) +
                ": only 255 and 65535 are read");
  }
  const std::uint64_t row_samples = width * static_cast<unsigned>(channels);
  const std::uint64_t row_bytes = bits ? (width + 7) / 8 : row_samples * (maximum > 255 ? 2 : 1);
  if (variant >= 4) {
    require(ImageKind::pnm, file, at + 1 + row_bytes * height);
  } else {
    require(ImageKind::pnm, file, at + row_samples * height);  // at least a digit each
  }
  return info;
}

}  // namespace

const char* name_of(ImageKind kind) {
  switch (kind) {
    case ImageKind::jpeg: return "JPEG";
    case ImageKind::png: return "PNG";
    case ImageKind::webp: return "WebP";
    case ImageKind::bmp: return "BMP";
    case ImageKind::tiff: return "TIFF";
    case ImageKind::pnm: return "PNM";
    case ImageKind::gif: return "GIF";
  }
  return "image";
}

std::optional<ImageKind> recognise_image(Bytes file) noexcept {
  if (has_at(file, 0, "\xFF\xD8\xFF")) return ImageKind::jpeg;
  if (has_at(file, 0, "\x89PNG\r\n\x1A\n")) return ImageKind::png;
  if (has_at(file, 0, "RIFF") && has_at(file, 8, "WEBP")) return ImageKind::webp;
  if (has_at(file, 0, {"II\x2A\0", 4}) || has_at(file, 0, {"MM\0\x2A", 4})) return ImageKind::tiff;
  if (has_at(file, 0, "GIF87a") || has_at(file, 0, "GIF89a")) return ImageKind::gif;
  if (has_at(file, 0, "BM")) return ImageKind::bmp;
  if (file.size() > 2 && has_at(file, 0, "P") && file[1] >= std::byte{'1'} &&
      file[1] <= std::byte{'6'} && (file[2] == std::byte{'#'} || file[2] <= std::byte{' '})) {
    return ImageKind::pnm;
  }
  return {};
}

ImageInfo read_image_header(ImageKind kind, Bytes file) {
  switch (kind) {
    case ImageKind::png: return read_png(file);
    case ImageKind::webp: return read_webp(file);
    case ImageKind::bmp: return read_bmp(file);
    case ImageKind::tiff: return read_tiff(file);
    case ImageKind::pnm: return read_pnm(file);
    case ImageKind::gif: return read_gif_header(file);
    case ImageKind::jpeg: break;
  }
  throw Error(ErrorCode::invalid_argument, "JPEG headers are read by the JPEG decoder");
}

}  // namespace headrace
