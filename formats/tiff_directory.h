#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace headrace {

// The first directory of a TIFF file, which is also what EXIF data are. Never reads outside its
// bytes, whatever they hold, and never allocates. Private to formats.
class TiffDirectory {
 public:
  // Nothing if the bytes do not start with a TIFF head that leads to a directory.
  static std::optional<TiffDirectory> find(std::span<const std::byte> file) noexcept;

  // The only value of a field, if the directory has that field, complete, with one value of 16 or
  // 32 bits.
  std::optional<std::uint32_t> value(std::uint16_t tag) const noexcept;
  // Where in the file a field's value lies, if value() gives one; its first two bytes hold it if it
  // has 16 bits.
  std::optional<std::size_t> value_offset(std::uint16_t tag) const noexcept;

  bool big_endian() const { return big_endian_; }

 private:
  TiffDirectory(std::span<const std::byte> file, bool big_endian)
      : file_(file), big_endian_(big_endian) {}

  bool has(std::uint64_t offset, std::uint64_t bytes) const noexcept;
  std::uint16_t u16(std::uint64_t offset) const noexcept;  // requires has(offset, 2)
  std::uint32_t u32(std::uint64_t offset) const noexcept;  // requires has(offset, 4)

  std::span<const std::byte> file_;
  bool big_endian_;
  std::uint64_t start_ = 0;
};

}  // namespace headrace
