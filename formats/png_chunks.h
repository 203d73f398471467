#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace headrace {

struct PngChunk {
  std::string_view type;            // "IHDR", ...
  std::span<const std::byte> data;  // without length, type and checksum
  std::span<const std::byte> all;   // with them
};

// The chunks of a PNG file, from the first to IEND. Private to formats.
class PngChunks {
 public:
  // Requires a PNG's signature (8 bytes) at the start of `file`.
  explicit PngChunks(std::span<const std::byte> file) : file_(file) {}

  // Nothing after IEND. Throws Error{corrupt_data} if the file ends before that.
  std::optional<PngChunk> next();

  // A big-endian number. Requires offset + 4 <= data.size().
  static std::uint32_t u32(std::span<const std::byte> data, std::size_t offset);

 private:
  std::span<const std::byte> file_;
  std::size_t at_ = 8;
  bool ended_ = false;
};

// Copies what makes the pixels of a PNG file, without what libpng would only warn about (colour
// profiles, times, texts), into `into`, which keeps its memory.
// Throws Error{corrupt_data} if the file ends early or a checksum is wrong.
void copy_png_pixels(std::span<const std::byte> file, std::vector<std::byte>& into);
// The same of a file with a palette, as a grey one, whose levels are the indices.
void copy_png_indices(std::span<const std::byte> file, std::vector<std::byte>& into);
// By how much decoders multiply the levels of a grey file of so few bits, so that 255 is white.
unsigned png_level_scale(std::span<const std::byte> file);

}  // namespace headrace
