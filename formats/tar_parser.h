#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "headrace/formats/byte_source.h"

namespace headrace {

// A regular file in a tar archive.
struct TarMember {
  std::string name;          // relative; no "." or ".." in it, nor control characters
  std::uint64_t offset = 0;  // of its bytes, which lie within the archive
  std::uint64_t size = 0;
  std::array<std::byte, 16> head{};  // the first of its bytes, zeros after the last
};

// Goes through a tar archive: ustar, with GNU's long names or pax headers, or as Unix version 7
// wrote it. Links, folders and devices are passed over. Private to formats.
// Source: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
class TarParser {
 public:
  // `name` is the archive's, for messages. Both must outlive the parser.
  TarParser(const ByteSource& source, const std::string& name) : source_(source), name_(name) {}

  // Nothing at the end of the archive. Throws Error{corrupt_data} "NAME at byte N: what is wrong",
  // also if it ends without its end mark or has bytes after that; Error{unsupported} for sparse
  // files and compressed archives.
  std::optional<TarMember> next();

 private:
  static constexpr std::size_t block_bytes = 512;
  using Block = std::array<std::byte, block_bytes>;

  struct Header {
    char type = 0;
    std::string name;
    std::uint64_t size = 0;
  };
  // What GNU and pax members say of the member after them.
  struct Override {
    std::optional<std::string> name;
    std::optional<std::uint64_t> size;
  };

  [[noreturn]] void fail(const std::string& what) const;
  bool read_header(Header& header);
  void check_sum(const Block& block) const;
  void check_end();
  std::uint64_t number(std::span<const std::byte> field, const char* what) const;
  std::string text_of(std::uint64_t size) const;
  void read_pax(const std::string& records, Override& into) const;
  std::string checked_name(std::string name) const;
  void pass(std::uint64_t size);

  const ByteSource& source_;
  const std::string& name_;
  std::uint64_t at_ = 0;  // of the header
  bool ended_ = false;
};

}  // namespace headrace
