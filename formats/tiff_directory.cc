#include "headrace/formats/tiff_directory.h"

#include <cstring>

namespace headrace {
namespace {

constexpr std::uint64_t entry_bytes = 12;
constexpr std::uint16_t short_type = 3;
constexpr std::uint16_t long_type = 4;

}  // namespace

std::optional<TiffDirectory> TiffDirectory::find(std::span<const std::byte> file) noexcept {
  if (file.size() < 8) return {};
  const bool little_endian = std::memcmp(file.data(), "II\x2A\0", 4) == 0;
  const bool big_endian = std::memcmp(file.data(), "MM\0\x2A", 4) == 0;
  if (!little_endian && !big_endian) return {};
  TiffDirectory directory(file, big_endian);
  directory.start_ = directory.u32(4);
  if (!directory.has(directory.start_, 2)) return {};
  return directory;
}

std::optional<std::size_t> TiffDirectory::value_offset(std::uint16_t tag) const noexcept {
  const unsigned entries = u16(start_);
  for (unsigned i = 0; i < entries; ++i) {
    const std::uint64_t entry = start_ + 2 + i * entry_bytes;
    if (!has(entry, entry_bytes)) return {};
    if (u16(entry) != tag) continue;
    const std::uint16_t type = u16(entry + 2);
    if ((type != short_type && type != long_type) || u32(entry + 4) != 1) return {};
    return static_cast<std::size_t>(entry + 8);
  }
  return {};
}

std::optional<std::uint32_t> TiffDirectory::value(std::uint16_t tag) const noexcept {
  const auto offset = value_offset(tag);
  if (!offset) return {};
  return u16(*offset - 6) == short_type ? u16(*offset) : u32(*offset);
}

// Offsets are 64 bits wide, and sums of 32-bit numbers: they cannot overflow.
bool TiffDirectory::has(std::uint64_t offset, std::uint64_t bytes) const noexcept {
  return offset <= file_.size() && bytes <= file_.size() - offset;
}

std::uint16_t TiffDirectory::u16(std::uint64_t offset) const noexcept {
  const auto a = std::to_integer<unsigned>(file_[offset]);
  const auto b = std::to_integer<unsigned>(file_[offset + 1]);
  return static_cast<std::uint16_t>(big_endian_ ? a << 8 | b : b << 8 | a);
}

std::uint32_t TiffDirectory::u32(std::uint64_t offset) const noexcept {
  const std::uint32_t a = u16(offset);
  const std::uint32_t b = u16(offset + 2);
  return big_endian_ ? a << 16 | b : b << 16 | a;
}

}  // namespace headrace
