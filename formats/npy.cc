#include "headrace/formats/npy.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

// Reads the dictionary of a head, which is written in Python.
class HeadParser {
 public:
  HeadParser(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  NpyHeader run() && {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr") {
        parse_type();
      } else if (key == "fortran_order") {
        fortran_ = boolean();
      } else if (key == "shape") {
        parse_shape();
      } else {
        fail();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (!rest_.empty() || header_.item_bytes == 0 || !has_shape_) fail();
    if (fortran_ && header_.shape.size() > 1) {
      unsupported("the array is in Fortran's order: save numpy.ascontiguousarray(it)");
    }
    return std::move(header_);
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::corrupt_data, name_ + ": the head of the NumPy array is damaged");
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    throw Error(ErrorCode::unsupported, name_ + ": " + what);
  }

  void skip_spaces() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size()));
  }
  bool accept(char wanted) {
    skip_spaces();
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail();
  }
  std::string_view string() {
    skip_spaces();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) fail();
    const std::size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) fail();
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool boolean() {
    skip_spaces();
    const bool value = rest_.starts_with("True");
    if (!value && !rest_.starts_with("False")) fail();
    rest_.remove_prefix(value ? 4 : 5);
    return value;
  }

  void parse_type() {
    skip_spaces();
    if (rest_.starts_with('[')) unsupported("arrays of records are not read: save one field");
    const std::string_view type = string();
    const std::string hint = "values of type '" + std::string(type) +
                             "' are not read: save them as uint8, float32 or an integer";
    if (type.size() != 3) unsupported(hint);
    header_.kind = type[1];
    header_.item_bytes = static_cast<std::size_t>(type[2] - '0');
    const bool known =
        (header_.kind == 'b' && type[2] == '1') ||
        ((header_.kind == 'u' || header_.kind == 'i') &&
         std::string_view("1248").find(type[2]) != std::string_view::npos) ||
        (header_.kind == 'f' && std::string_view("48").find(type[2]) != std::string_view::npos);
    const bool order = type[0] == '<' || type[0] == '=' || type[0] == '|' || type[2] == '1';
    if (!known) unsupported(hint);
    if (!order) {
      unsupported("its numbers are big-endian: save it.astype('<" + std::string(type.substr(1)) +
                  "')");
    }
  }

  void parse_shape() {
    expect('(');
    while (!accept(')')) {
      skip_spaces();
      std::int64_t extent = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (error != std::errc() || extent < 0 || header_.shape.size() == 32) fail();
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      header_.shape.push_back(extent);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    has_shape_ = true;
  }

  std::string_view rest_;
  const std::string& name_;
  NpyHeader header_;
  bool fortran_ = false;
  bool has_shape_ = false;
};

}  // namespace

std::int64_t NpyHeader::items() const {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

NpyHeader parse_npy_header(std::span<const std::byte> head, std::uint64_t file_bytes,
                           const std::string& name) {
  const auto corrupt = [&](const std::string& what) {
    throw Error(ErrorCode::corrupt_data, name + ": " + what);
  };
  constexpr std::size_t fixed_bytes = 12;  // of versions 2 and 3; version 1 has two less
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (!text.starts_with("\x93NUMPY") || text.size() < fixed_bytes) {
    corrupt("this is no NumPy array, or was cut short");
  }
  const bool short_length = text[6] == 1;
  if (text[6] < 1 || text[6] > 3) corrupt("a NumPy array of an unknown version");
  std::size_t length = 0;
  for (std::size_t i = short_length ? 2 : 4; i-- > 0;) {
    length = length << 8 | static_cast<unsigned char>(text[8 + i]);
  }
  const std::size_t begin = short_length ? fixed_bytes - 2 : fixed_bytes;
  if (length > text.size() - begin)
    corrupt("the head of the NumPy array is cut short, or too long");
  NpyHeader header = HeadParser(text.substr(begin, length), name).run();
  header.data_offset = begin + length;

  std::uint64_t bytes = header.item_bytes;
  for (const std::int64_t extent : header.shape) {
    const auto count = static_cast<std::uint64_t>(extent);
    if (count != 0 && bytes > file_bytes / count) {
      corrupt("the file ends early: its head claims more values than it holds");
    }
    bytes *= count;
  }
  if (bytes != file_bytes - header.data_offset) {
    corrupt("the head speaks of " + std::to_string(bytes) + " bytes of values, and there are " +
            std::to_string(file_bytes - header.data_offset));
  }
  return header;
}

}  // namespace headrace
