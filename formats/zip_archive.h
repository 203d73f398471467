#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "headrace/formats/byte_source.h"

namespace headrace {

// A file in a zip archive.
struct ZipMember {
  std::string name;
  bool deflated = false;
  std::uint32_t crc = 0;
  std::uint64_t stored_bytes = 0;  // in the archive, within which they lie
  std::uint64_t size = 0;
  std::uint64_t offset = 0;  // of the stored bytes
};

// The members of a zip archive, stored or deflated, also with 64-bit sizes. Private to formats.
// Throws Error{corrupt_data} "NAME: what is wrong", Error{unsupported} for other compressions and
// encryption. Source: PKWARE, APPNOTE.TXT 6.3.
std::vector<ZipMember> read_zip(const ByteSource& source, const std::string& name);

// The bytes of a member. Throws Error{corrupt_data} if they do not have its checksum or size.
std::vector<std::byte> read_zip_member(const ByteSource& source, const std::string& name,
                                       const ZipMember& member);

}  // namespace headrace
