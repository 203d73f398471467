#include "headrace/formats/tar_parser.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

namespace headrace {
namespace {

// Of the parts of a header: where they begin, and how long they are.
struct Part {
  std::size_t offset;
  std::size_t size;
};
constexpr Part name_part{0, 100};
constexpr Part size_part{124, 12};
constexpr Part sum_part{148, 8};
constexpr std::size_t type_offset = 156;
constexpr Part magic_part{257, 6};
constexpr Part prefix_part{345, 155};

constexpr std::uint64_t longest_text = std::uint64_t{1} << 20;  // of a GNU or pax member

std::string_view text_in(std::span<const std::byte> block, Part part) {
  const char* begin = reinterpret_cast<const char*>(block.data()) + part.offset;
  return {begin, ::strnlen(begin, part.size)};
}

bool is_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace

void TarParser::fail(const std::string& what) const {
  throw Error(ErrorCode::corrupt_data, name_ + " at byte " + std::to_string(at_) + ": " + what);
}

// Octal digits between spaces and NULs; or GNU's binary form, of which the first bit tells.
std::uint64_t TarParser::number(std::span<const std::byte> field, const char* what) const {
  std::uint64_t value = 0;
  if ((field[0] & std::byte{0x80}) != std::byte{0}) {
    for (std::size_t i = 0; i < field.size(); ++i) {
      const auto byte = std::to_integer<std::uint64_t>(field[i]) & (i == 0 ? 0x7F : 0xFF);
      if (value >> 55 != 0) fail(std::string("the header has no ") + what + " that makes sense");
      value = value << 8 | byte;
    }
    return value;
  }
  const std::string_view all(reinterpret_cast<const char*>(field.data()), field.size());
  const std::size_t begin = std::min(all.find_first_not_of(' '), all.size());
  const std::size_t end =
      std::min(all.find_first_of(std::string_view(" \0", 2), begin), all.size());
  const auto [stop, error] = std::from_chars(all.data() + begin, all.data() + end, value, 8);
  if (begin == end || error != std::errc() || stop != all.data() + end) {
    fail(std::string("the header has no ") + what + " that makes sense");
  }
  return value;
}

void TarParser::check_sum(const Block& block) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool in_sum = i >= sum_part.offset && i < sum_part.offset + sum_part.size;
    sum += in_sum ? std::uint64_t{' '} : std::to_integer<std::uint64_t>(block[i]);
  }
  const std::string_view magic(reinterpret_cast<const char*>(block.data()), 3);
  if (at_ == 0 && magic.starts_with("\x1F\x8B")) {
    throw Error(ErrorCode::unsupported,
                name_ + ": it is compressed by gzip, and has no random access: gunzip it");
  }
  const std::span field = std::span(block).subspan(sum_part.offset, sum_part.size);
  const std::string_view digits(reinterpret_cast<const char*>(field.data()), field.size());
  const bool has_digits = digits.find_first_of("01234567") != std::string_view::npos;
  if (has_digits && number(field, "checksum") == sum) return;
  fail(at_ == 0 ? "there is no header of a tar archive"
                : "the checksum of the header is wrong: the archive is damaged");
}

// The end mark: zeros to the end of the file.
void TarParser::check_end() {
  constexpr std::size_t piece = std::size_t{1} << 16;
  std::vector<std::byte> bytes;
  for (std::uint64_t at = at_; at < source_.size(); at += bytes.size()) {
    bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece, source_.size() - at)));
    source_.read(at, bytes);
    if (is_zero(bytes)) continue;
    fail(
        "bytes follow the end mark: the archive is damaged, or several were joined (tar "
        "--concatenate joins them properly)");
  }
  ended_ = true;
}

bool TarParser::read_header(Header& header) {
  if (source_.size() - at_ < block_bytes) {
    fail("the archive ends here, without its end mark: it was cut short");
  }
  Block block{};
  source_.read(at_, block);
  if (is_zero(block)) {
    check_end();
    return false;
  }
  check_sum(block);
  header.type = static_cast<char>(block[type_offset]);
  header.size = number(std::span(block).subspan(size_part.offset, size_part.size), "size");
  header.name = text_in(block, name_part);
  const bool posix = std::memcmp(block.data() + magic_part.offset, "ustar\0", magic_part.size) == 0;
  if (const std::string_view prefix = text_in(block, prefix_part); posix && !prefix.empty()) {
    header.name = std::string(prefix) + "/" + header.name;
  }
  return true;
}

// The bytes of a member that says something about the next.
std::string TarParser::text_of(std::uint64_t size) const {
  if (size > longest_text) fail("a name or pax header of " + std::to_string(size) + " bytes");
  if (size > source_.size() - at_ - block_bytes) fail("the archive ends within a pax header");
  std::string text(static_cast<std::size_t>(size), '\0');
  source_.read(at_ + block_bytes, std::as_writable_bytes(std::span(text)));
  return text;
}

// "LENGTH KEY=VALUE\n" again and again; the length is that of the whole record.
void TarParser::read_pax(const std::string& records, Override& into) const {
  std::string_view rest = records;
  while (!rest.empty()) {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
    const auto digits = static_cast<std::size_t>(end - rest.data());
    if (error != std::errc() || length > rest.size() || length < digits + 3 ||
        rest[digits] != ' ' || rest[length - 1] != '\n') {
      fail("a damaged pax header");
    }
    const std::string_view record = rest.substr(digits + 1, length - digits - 2);
    rest.remove_prefix(length);
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos) fail("a damaged pax header");
    const std::string_view key = record.substr(0, equals);
    const std::string_view value = record.substr(equals + 1);
    if (key == "path") {
      into.name = value;
    } else if (key == "size") {
      std::uint64_t size = 0;
      const auto [stop, bad] = std::from_chars(value.data(), value.data() + value.size(), size);
      if (bad != std::errc() || stop != value.data() + value.size()) fail("a damaged pax header");
      into.size = size;
    } else if (key.starts_with("GNU.sparse.")) {
      throw Error(ErrorCode::unsupported, name_ + " at byte " + std::to_string(at_) +
                                              ": a sparse file: pack it without tar --sparse");
    }
  }
}

std::string TarParser::checked_name(std::string name) const {
  std::string clean;
  const std::string_view all = name;
  if (all.starts_with('/')) fail("the name '" + name + "' leads out of the archive");
  for (const char c : all) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      fail("a name has control characters: the archive is damaged, or not to be trusted");
    }
  }
  for (std::size_t begin = 0; begin < all.size();) {
    const std::size_t end = std::min(all.find('/', begin), all.size());
    const std::string_view part = all.substr(begin, end - begin);
    if (part == "..") fail("the name '" + name + "' leads out of the archive");
    if (!part.empty() && part != ".") clean += (clean.empty() ? "" : "/") + std::string(part);
    begin = end + 1;
  }
  if (clean.empty()) fail("a member has no name");
  return clean;
}

// Goes to the header behind a member.
void TarParser::pass(std::uint64_t size) {
  const std::uint64_t left = source_.size() - at_ - block_bytes;
  if (size > left) {
    fail("the archive ends " + std::to_string(size - left) +
         " bytes before the end of a member of " + std::to_string(size) + ": it was cut short");
  }
  const std::uint64_t padding = (block_bytes - size % block_bytes) % block_bytes;
  at_ += block_bytes + size + std::min(padding, left - size);
}

std::optional<TarMember> TarParser::next() {
  Override override;
  Header header;
  while (!ended_ && read_header(header)) {
    switch (header.type) {
      case 'L': override.name = std::string(text_of(header.size).c_str()); break;
      case 'x': read_pax(text_of(header.size), override); break;
      case 'S':
        throw Error(ErrorCode::unsupported, name_ + " at byte " + std::to_string(at_) +
                                                ": a sparse file: pack it without tar --sparse");
      case '0':
      case '\0':
      case '7': {
        TarMember member;
        const std::string name = override.name.value_or(header.name);
        member.size = override.size.value_or(header.size);
        member.offset = at_ + block_bytes;
        const bool is_folder = name.ends_with('/');  // as version 7 wrote them
        member.name = is_folder ? name : checked_name(name);
        pass(member.size);
        override = {};
        if (is_folder) break;
        const auto head =
            static_cast<std::size_t>(std::min<std::uint64_t>(member.size, member.head.size()));
        source_.read(member.offset, std::span(member.head).first(head));
        return member;
      }
      case '1':  // links, devices, folders and pipes have no bytes
      case '2':
      case '3':
      case '4':
      case '5':
      case '6': header.size = 0; [[fallthrough]];
      default:
        if (header.type != 'K' && header.type != 'g') override = {};
        break;
    }
    if (header.type != '0' && header.type != '\0' && header.type != '7') pass(header.size);
  }
  return {};
}

}  // namespace headrace
