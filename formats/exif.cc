#include "headrace/formats/exif.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace headrace {
namespace {

constexpr std::uint16_t orientation_tag = 0x0112;
constexpr std::uint16_t short_type = 3;
constexpr std::size_t entry_bytes = 12;

// Numbers of a TIFF structure, in its byte order. Offsets are 64 bits wide: sums cannot overflow.
class TiffReader {
 public:
  TiffReader(std::span<const std::byte> data, bool big_endian)
      : data_(data), big_endian_(big_endian) {}

  bool has(std::uint64_t offset, std::uint64_t bytes) const {
    return offset <= data_.size() && bytes <= data_.size() - offset;
  }
  // Requires has(offset, 2), or 4.
  std::uint16_t u16(std::uint64_t offset) const {
    const auto a = at(offset);
    const auto b = at(offset + 1);
    return static_cast<std::uint16_t>(big_endian_ ? a << 8 | b : b << 8 | a);
  }
  std::uint32_t u32(std::uint64_t offset) const {
    const std::uint32_t a = u16(offset);
    const std::uint32_t b = u16(offset + 2);
    return big_endian_ ? a << 16 | b : b << 16 | a;
  }

 private:
  unsigned at(std::uint64_t offset) const { return std::to_integer<unsigned>(data_[offset]); }

  std::span<const std::byte> data_;
  bool big_endian_;
};

bool starts_with(std::span<const std::byte> data, std::span<const unsigned char> prefix) {
  return data.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), data.begin(),
                    [](unsigned char a, std::byte b) { return std::byte{a} == b; });
}

}  // namespace

int exif_orientation(std::span<const std::byte> tiff) noexcept {
  constexpr std::array<unsigned char, 4> little = {'I', 'I', 42, 0};
  constexpr std::array<unsigned char, 4> big = {'M', 'M', 0, 42};
  const bool big_endian = starts_with(tiff, big);
  if (!big_endian && !starts_with(tiff, little)) return 1;

  const TiffReader reader(tiff, big_endian);
  if (!reader.has(4, 4)) return 1;
  const std::uint64_t directory = reader.u32(4);
  if (!reader.has(directory, 2)) return 1;
  const unsigned entries = reader.u16(directory);
  for (unsigned i = 0; i < entries; ++i) {
    const std::uint64_t entry = directory + 2 + i * entry_bytes;
    if (!reader.has(entry, entry_bytes)) return 1;
    if (reader.u16(entry) != orientation_tag) continue;
    if (reader.u16(entry + 2) != short_type || reader.u32(entry + 4) != 1) return 1;
    const int value = reader.u16(entry + 8);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

int app1_orientation(std::span<const std::byte> segment) noexcept {
  constexpr std::array<unsigned char, 6> exif = {'E', 'x', 'i', 'f', 0, 0};
  return starts_with(segment, exif) ? exif_orientation(segment.subspan(exif.size())) : 1;
}

}  // namespace headrace
