#include "headrace/formats/exif.h"

#include <cstring>
#include <string_view>

#include "headrace/formats/tiff_directory.h"

namespace headrace {

int exif_orientation(std::span<const std::byte> tiff) noexcept {
  constexpr std::uint16_t orientation_tag = 0x0112;
  const auto directory = TiffDirectory::find(tiff);
  const auto value = directory ? directory->value(orientation_tag) : std::nullopt;
  return value && *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
}

int app1_orientation(std::span<const std::byte> segment) noexcept {
  constexpr std::string_view head("Exif\0\0", 6);
  if (segment.size() < head.size()) return 1;
  if (std::memcmp(segment.data(), head.data(), head.size()) != 0) return 1;
  return exif_orientation(segment.subspan(head.size()));
}

}  // namespace headrace
