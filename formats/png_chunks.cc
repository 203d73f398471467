#include "headrace/formats/png_chunks.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <string>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::size_t signature_bytes = 8;
constexpr std::size_t frame_bytes = 12;  // of a chunk: length, type, checksum
constexpr std::size_t bits_at = 24;      // within the file: the bits of a sample
constexpr std::size_t colour_at = 25;    // and what it means
constexpr std::size_t header_end = 33;

std::uint32_t checksum(std::span<const std::byte> chunk) {
  const auto checked = chunk.subspan(4, chunk.size() - 8);
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(checked.data()), checked.size()));
}

void copy_chunks(std::span<const std::byte> file, std::span<const std::string_view> kept,
                 std::vector<std::byte>& into) {
  into.assign(file.begin(), file.begin() + signature_bytes);
  PngChunks chunks(file);
  while (const auto chunk = chunks.next()) {
    if (std::find(kept.begin(), kept.end(), chunk->type) == kept.end()) continue;
    if (checksum(chunk->all) != PngChunks::u32(chunk->all, chunk->all.size() - 4)) {
      const auto offset = static_cast<std::size_t>(chunk->all.data() - file.data());
      throw Error(ErrorCode::corrupt_data, "PNG is damaged in the part " +
                                               std::string(chunk->type) + " at byte " +
                                               std::to_string(offset));
    }
    into.insert(into.end(), chunk->all.begin(), chunk->all.end());
  }
}

}  // namespace

std::optional<PngChunk> PngChunks::next() {
  if (ended_) return {};
  const std::size_t left = file_.size() - at_;
  const std::uint64_t size = left < 4 ? frame_bytes : u32(file_, at_) + std::uint64_t{frame_bytes};
  if (left < size) {
    throw Error(ErrorCode::corrupt_data, "PNG ends after " + std::to_string(file_.size()) +
                                             " of at least " + std::to_string(at_ + size) +
                                             " bytes");
  }
  PngChunk chunk;
  chunk.all = file_.subspan(at_, size);
  chunk.data = chunk.all.subspan(8, size - frame_bytes);
  chunk.type = {reinterpret_cast<const char*>(chunk.all.data()) + 4, 4};
  ended_ = chunk.type == "IEND";
  at_ += size;
  return chunk;
}

std::uint32_t PngChunks::u32(std::span<const std::byte> data, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | std::to_integer<std::uint32_t>(data[offset + i]);
  }
  return value;
}

void copy_png_pixels(std::span<const std::byte> file, std::vector<std::byte>& into) {
  constexpr std::array<std::string_view, 5> kept = {"IHDR", "PLTE", "tRNS", "IDAT", "IEND"};
  copy_chunks(file, kept, into);
}

void copy_png_indices(std::span<const std::byte> file, std::vector<std::byte>& into) {
  constexpr std::array<std::string_view, 3> kept = {"IHDR", "IDAT", "IEND"};
  copy_chunks(file, kept, into);
  // Samples are packed and filtered alike, so only what they mean has to change.
  into[colour_at] = std::byte{0};
  std::uint32_t sum =
      checksum(std::span(into).subspan(signature_bytes, header_end - signature_bytes));
  for (std::size_t i = 4; i-- > 0; sum >>= 8) into[header_end - 4 + i] = std::byte(sum & 0xFF);
}

unsigned png_level_scale(std::span<const std::byte> file) {
  const unsigned bits = std::to_integer<unsigned>(file[bits_at]);
  return bits >= 8 ? 1 : 255u / ((1u << bits) - 1);
}

}  // namespace headrace
