#include "tests/fuzz/small_jpeg.h"

#include <array>
#include <cstdio>
#include <initializer_list>

// Uses size_t and FILE without declaring them: stays behind the others.
#include <jpeglib.h>

namespace headrace::fuzz {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Input = std::span<const std::uint8_t>;

void append(Bytes& to, std::initializer_list<unsigned> bytes) {
  for (const unsigned byte : bytes) to.push_back(static_cast<std::uint8_t>(byte));
}

struct Kind {
  unsigned components;
  unsigned horizontal;  // sampling factors of the first
  unsigned vertical;
  unsigned height;
  unsigned width;
  unsigned restart_interval;  // 0: none

  explicit Kind(Input input) {
    constexpr std::array<unsigned, 5> horizontals = {1, 1, 2, 1, 2};
    constexpr std::array<unsigned, 5> verticals = {1, 1, 1, 2, 2};
    const unsigned kind = input[0] % 5;
    components = kind == 0 ? 1 : 3;
    horizontal = horizontals[kind];
    vertical = verticals[kind];
    height = 1 + input[1] % 80u;
    width = 1 + input[2] % 80u;
    restart_interval = input[3] % 4 == 1 ? 1 + input[3] / 4u : 0;
  }
  unsigned mcus() const {
    const auto count = [](unsigned pixels, unsigned factor) {
      return (pixels + 8 * factor - 1) / (8 * factor);
    };
    return count(height, vertical) * count(width, horizontal);
  }
};

void append_headers(Bytes& file, const Kind& kind, unsigned coarseness) {
  const unsigned n = kind.components;
  append(file, {0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0});
  for (unsigned i = 0; i < 64; ++i) append(file, {1 + coarseness % 32u * (1 + i / 8)});
  append(file, {0xFF, 0xC0, 0, 8 + 3 * n, 8, 0, kind.height, 0, kind.width, n});
  for (unsigned c = 0; c < n; ++c) {
    append(file, {c + 1, c == 0 ? kind.horizontal << 4 | kind.vertical : 0x11, 0});
  }
  if (kind.restart_interval != 0) append(file, {0xFF, 0xDD, 0, 4, 0, kind.restart_interval});
  append(file, {0xFF, 0xDA, 0, 6 + 2 * n, n});
  for (unsigned c = 0; c < n; ++c) append(file, {c + 1, c == 0 ? 0x00u : 0x11u});
  append(file, {0, 63, 0});
}

// The codes of a table, by symbol.
struct Codes {
  std::array<std::uint16_t, 256> code{};
  std::array<std::uint8_t, 256> length{};

  explicit Codes(const JHUFF_TBL& table) {
    unsigned next = 0;
    std::size_t place = 0;
    for (unsigned bits = 1; bits <= 16; ++bits, next <<= 1) {
      for (unsigned i = 0; i < table.bits[bits]; ++i, ++place, ++next) {
        code[table.huffval[place]] = static_cast<std::uint16_t>(next);
        length[table.huffval[place]] = static_cast<std::uint8_t>(bits);
      }
    }
  }
};

// Of brightness, of colours: libjpeg's default, which are the standard's (ITU-T T.81, K.3).
struct StandardCodes {
  std::vector<Codes> dc;
  std::vector<Codes> ac;

  StandardCodes() {
    jpeg_error_mgr errors;
    jpeg_compress_struct info;
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    for (const int i : {0, 1}) {
      dc.emplace_back(*info.dc_huff_tbl_ptrs[i]);
      ac.emplace_back(*info.ac_huff_tbl_ptrs[i]);
    }
    jpeg_destroy_compress(&info);
  }
};

class Speller {
 public:
  Speller(Input symbols, Bytes& into) : symbols_(symbols), into_(into) {}

  void spell(const Kind& kind) {
    unsigned marker = 0;
    for (unsigned mcu = 0; mcu < kind.mcus(); ++mcu) {
      if (kind.restart_interval != 0 && mcu != 0 && mcu % kind.restart_interval == 0) {
        fill();
        append(into_, {0xFF, 0xD0 + marker++ % 8});
      }
      for (unsigned i = 0; i < kind.horizontal * kind.vertical; ++i) block(0);
      for (unsigned c = 1; c < kind.components; ++c) block(1);
    }
    fill();
    append(into_, {0xFF, 0xD9});
  }

 private:
  unsigned next() {
    if (symbols_.empty()) return 0xFF;
    const unsigned byte = symbols_.front();
    symbols_ = symbols_.subspan(1);
    return byte;
  }

  void put(unsigned bits, unsigned count) {
    for (; count > 0; --count) {
      byte_ = byte_ << 1 | (bits >> (count - 1) & 1);
      if (++filled_ < 8) continue;
      append(into_, {byte_});
      if (byte_ == 0xFF) append(into_, {0});
      byte_ = filled_ = 0;
    }
  }
  // With ones, to a whole byte (F.1.2.3).
  void fill() {
    while (filled_ != 0) put(1, 1);
  }
  void put_symbol(const Codes& codes, unsigned symbol, unsigned size) {
    put(codes.code[symbol], codes.length[symbol]);
    if (size != 0) put(next() << 8 | next(), size);
  }

  void block(std::size_t table) {
    static const StandardCodes codes;
    const unsigned dc = next();
    const unsigned size = dc < 0xE0 ? dc % 8 : dc < 0xF0 ? 8 + dc % 4 : 0;
    put_symbol(codes.dc[table], size, size);
    unsigned k = 1;
    for (unsigned byte = next(); byte < 0xC0; byte = next()) {
      constexpr unsigned zeroes = 0xF0;
      const bool sixteen = byte == 0x7F;
      const unsigned run = byte % 16;
      const unsigned bits = byte < 0x80 ? 1 + byte / 16 % 4 : 4 + byte / 16 % 4 * 2;
      k += run + 1;
      if (k > 64) break;
      put_symbol(codes.ac[table], sixteen ? zeroes : run << 4 | bits, sixteen ? 0 : bits);
      if (k == 64) return;
    }
    put_symbol(codes.ac[table], 0, 0);
  }

  Input symbols_;
  Bytes& into_;
  unsigned byte_ = 0;
  unsigned filled_ = 0;
};

}  // namespace

Bytes small_jpeg(Input input) {
  Bytes file;
  const Kind kind(input);
  append_headers(file, kind, input[4]);
  const Input rest = input.subspan(choices);
  if (input[0] / 5 % 2 == 0) {
    file.insert(file.end(), rest.begin(), rest.end());
  } else {
    Speller(rest, file).spell(kind);
  }
  return file;
}

}  // namespace headrace::fuzz
