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
  into.assign(file.begin(), file.begin() + signature_bytes);
  PngChunks chunks(file);
  while (const auto chunk = chunks.next()) {
    if (std::find(kept.begin(), kept.end(), chunk->type) == kept.end()) continue;
    const auto checked = chunk->all.subspan(4, chunk->all.size() - 8);
    const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(checked.data()), checked.size());
    if (sum != PngChunks::u32(chunk->all, chunk->all.size() - 4)) {
      const auto offset = static_cast<std::size_t>(chunk->all.data() - file.data());
      throw Error(ErrorCode::corrupt_data, "PNG is damaged in the part " +
                                               std::string(chunk->type) + " at byte " +
                                               std::to_string(offset));
    }
    into.insert(into.end(), chunk->all.begin(), chunk->all.end());
  }
}

}  // namespace headrace
