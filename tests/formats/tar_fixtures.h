#pragma once

#include <cstdio>
#include <string>
#include <vector>

// Tar archives made by hand, so that tests know each of their bytes.
namespace headrace::test {

struct TarOptions {
  char type = '0';
  std::string prefix = {};
  bool gnu = false;
  bool binary_size = false;
};

inline std::string octal(std::size_t value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%0*zo", digits, value);
  return text;
}

// A member: its header, its bytes and their padding.
inline std::string tar_member(const std::string& name, const std::string& bytes,
                              const TarOptions& options = {}) {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) {
    header.replace(at, text.size(), text);
  };
  put(0, name.substr(0, 100));
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, octal(bytes.size(), 11));
  if (options.binary_size) {
    std::string size(12, '\0');
    size[0] = static_cast<char>(0x80);
    for (std::size_t i = 0; i < 4; ++i) {
      size[11 - i] = static_cast<char>(bytes.size() >> (8 * i) & 0xFF);
    }
    put(124, size);
  }
  put(136, "00000000000");
  header[156] = options.type;
  put(257, options.gnu ? std::string("ustar  \0", 8) : std::string("ustar\00000", 8));
  put(345, options.prefix);
  put(148, "        ");
  std::size_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, octal(sum, 6) + '\0' + ' ');
  return header + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
}

inline std::string pax_record(const std::string& key, const std::string& value) {
  const std::string body = " " + key + "=" + value + "\n";
  std::size_t length = body.size() + 1;
  while (std::to_string(length).size() + body.size() != length) ++length;
  return std::to_string(length) + body;
}

inline const std::string tar_end(1024, '\0');

}  // namespace headrace::test
