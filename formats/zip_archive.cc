#include "headrace/formats/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <span>

namespace headrace {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t end_mark = 0x06054B50;
constexpr std::uint32_t end64_locator_mark = 0x07064B50;
constexpr std::uint32_t end64_mark = 0x06064B50;
constexpr std::uint32_t entry_mark = 0x02014B50;
constexpr std::uint32_t member_mark = 0x04034B50;
constexpr std::size_t end_bytes = 22;
constexpr std::size_t end64_locator_bytes = 20;
constexpr std::size_t end64_bytes = 56;
constexpr std::size_t entry_bytes = 46;
constexpr std::size_t member_bytes = 30;
constexpr std::uint64_t all_ones_32 = 0xFFFFFFFF;
constexpr std::uint64_t most_directory_bytes = std::uint64_t{1} << 28;

[[noreturn]] void corrupt(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::corrupt_data, name + ": " + what);
}

// A little-endian number. Requires it to be there.
std::uint64_t number(Bytes bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = count; i-- > 0;) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  }
  return value;
}

std::vector<std::byte> bytes_at(const ByteSource& source, const std::string& name,
                                std::uint64_t offset, std::uint64_t count) {
  if (offset > source.size() || count > source.size() - offset) {
    corrupt(name, "the zip archive is damaged: a part of it would lie behind its end");
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(count));
  source.read(offset, bytes);
  return bytes;
}

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

Directory find_directory(const ByteSource& source, const std::string& name) {
  constexpr std::uint64_t longest_comment = 0xFFFF;
  const std::uint64_t tail = std::min(source.size(), longest_comment + end_bytes);
  const std::uint64_t begin = source.size() - tail;
  const std::vector<std::byte> bytes = bytes_at(source, name, begin, tail);
  for (std::size_t at = bytes.size() < end_bytes ? 0 : bytes.size() - end_bytes + 1; at-- > 0;) {
    if (number(bytes, at, 4) != end_mark) continue;
    Directory found{number(bytes, at + 16, 4), number(bytes, at + 12, 4)};
    const bool has_64 = found.offset == all_ones_32 || found.size == all_ones_32 ||
                        number(bytes, at + 10, 2) == 0xFFFF;
    if (!has_64 || begin + at < end64_locator_bytes) return found;
    const auto locator =
        bytes_at(source, name, begin + at - end64_locator_bytes, end64_locator_bytes);
    if (number(locator, 0, 4) != end64_locator_mark) return found;
    const auto end64 = bytes_at(source, name, number(locator, 8, 8), end64_bytes);
    if (number(end64, 0, 4) != end64_mark) corrupt(name, "the zip archive is damaged at its end");
    return {number(end64, 48, 8), number(end64, 40, 8)};
  }
  corrupt(name, "this is no zip archive, or it was cut short: its directory is missing");
}

// Replaces numbers that did not fit by those of the extra field for 64 bits.
void apply_extra(Bytes extra, ZipMember& member, std::uint64_t& header) {
  constexpr std::uint64_t zip64_field = 1;
  while (extra.size() >= 4) {
    const auto size = static_cast<std::size_t>(number(extra, 2, 2));
    if (size > extra.size() - 4) return;
    if (number(extra, 0, 2) == zip64_field) {
      Bytes field = extra.subspan(4, size);
      for (std::uint64_t* value : {&member.size, &member.stored_bytes, &header}) {
        if (*value != all_ones_32 || field.size() < 8) continue;
        *value = number(field, 0, 8);
        field = field.subspan(8);
      }
    }
    extra = extra.subspan(4 + size);
  }
}

}  // namespace

std::vector<ZipMember> read_zip(const ByteSource& source, const std::string& name) {
  const Directory place = find_directory(source, name);
  if (place.size > most_directory_bytes) corrupt(name, "its zip directory is larger than 256 MB");
  const std::vector<std::byte> directory = bytes_at(source, name, place.offset, place.size);
  std::vector<ZipMember> members;
  for (Bytes rest = directory; !rest.empty();) {
    if (rest.size() < entry_bytes || number(rest, 0, 4) != entry_mark) {
      corrupt(name, "its zip directory is damaged");
    }
    const std::uint64_t flags = number(rest, 8, 2);
    const std::uint64_t method = number(rest, 10, 2);
    const auto name_bytes = static_cast<std::size_t>(number(rest, 28, 2));
    const auto extra_bytes = static_cast<std::size_t>(number(rest, 30, 2));
    const std::size_t all = entry_bytes + name_bytes + extra_bytes + number(rest, 32, 2);
    if (all > rest.size()) corrupt(name, "its zip directory is damaged");
    ZipMember member;
    member.name.assign(reinterpret_cast<const char*>(rest.data()) + entry_bytes, name_bytes);
    member.crc = static_cast<std::uint32_t>(number(rest, 16, 4));
    member.stored_bytes = number(rest, 20, 4);
    member.size = number(rest, 24, 4);
    std::uint64_t header = number(rest, 42, 4);
    apply_extra(rest.subspan(entry_bytes + name_bytes, extra_bytes), member, header);
    rest = rest.subspan(all);
    if ((flags & 1) != 0 || (method != 0 && method != 8)) {
      throw Error(ErrorCode::unsupported,
                  name + ": " + member.name + " is encrypted, or neither stored nor deflated");
    }
    member.deflated = method == 8;
    const auto local = bytes_at(source, name, header, member_bytes);
    if (number(local, 0, 4) != member_mark) corrupt(name, "the header of a member is damaged");
    member.offset = header + member_bytes + number(local, 26, 2) + number(local, 28, 2);
    if (member.offset > source.size() || member.stored_bytes > source.size() - member.offset ||
        (!member.deflated && member.size != member.stored_bytes)) {
      corrupt(name, member.name + " would lie behind the end of the archive: it is damaged");
    }
    members.push_back(std::move(member));
  }
  return members;
}

std::vector<std::byte> read_zip_member(const ByteSource& source, const std::string& name,
                                       const ZipMember& member) {
  constexpr std::uint64_t most_expansion = 1032;  // of deflate
  if (member.deflated && member.size / most_expansion > member.stored_bytes) {
    corrupt(name, member.name + " claims more bytes than it can hold");
  }
  std::vector<std::byte> bytes = bytes_at(source, name, member.offset, member.stored_bytes);
  if (member.deflated) {
    std::vector<std::byte> inflated(static_cast<std::size_t>(member.size));
    z_stream stream{};
    if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
    constexpr std::size_t most_at_once = std::numeric_limits<uInt>::max();
    std::size_t in = 0;
    std::size_t out = 0;
    int result = Z_OK;
    while (result == Z_OK) {
      const std::size_t given = std::min(bytes.size() - in, most_at_once);
      const std::size_t room = std::min(inflated.size() - out, most_at_once);
      std::byte none{};
      stream.next_in = reinterpret_cast<Bytef*>(bytes.data() + in);
      stream.avail_in = static_cast<uInt>(given);
      stream.next_out = reinterpret_cast<Bytef*>(room != 0 ? inflated.data() + out : &none);
      stream.avail_out = static_cast<uInt>(room);
      result = ::inflate(&stream, Z_NO_FLUSH);
      in += given - stream.avail_in;
      out += room - stream.avail_out;
    }
    ::inflateEnd(&stream);
    if (result != Z_STREAM_END || out != inflated.size() || in != bytes.size()) {
      corrupt(name, member.name + ": its deflated bytes are damaged");
    }
    bytes = std::move(inflated);
  }
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
  if (::crc32_z(0, data, bytes.size()) != member.crc) {
    corrupt(name, member.name + " has a wrong checksum: it is damaged");
  }
  return bytes;
}

}  // namespace headrace
