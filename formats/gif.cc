#include "headrace/formats/gif.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "headrace/formats/luma.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using Bytes = std::span<const std::byte>;

[[noreturn]] void corrupt(const std::string& what) {
  throw Error(ErrorCode::corrupt_data, "GIF " + what);
}

constexpr int most_code_bits = 12;
constexpr std::size_t most_codes = std::size_t{1} << most_code_bits;

struct Frame {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
  bool interlaced = false;
  Bytes palette;         // of 3 bytes each
  int transparent = -1;  // index of the colour; -1: none
  int code_bits = 0;     // of LZW, at first, without clear and end
  std::size_t data = 0;  // where its blocks begin
};

struct Screen {
  int width = 0;
  int height = 0;
  unsigned background = 0;  // index of a colour
  Bytes palette;
  Frame frame;  // the first
};

class Reader {
 public:
  explicit Reader(Bytes file) : file_(file) {}

  std::size_t at() const { return at_; }
  unsigned u8() { return std::to_integer<unsigned>(take(1)[0]); }
  int u16() {
    const Bytes two = take(2);
    return std::to_integer<int>(two[0]) | std::to_integer<int>(two[1]) << 8;
  }
  Bytes take(std::size_t count) {
    if (count > file_.size() - at_) {
      corrupt("ends after " + std::to_string(file_.size()) + " bytes, before its first image does");
    }
    at_ += count;
    return file_.subspan(at_ - count, count);
  }
  // Palettes have a power of two of colours, of which three bits of `flags` tell.
  Bytes palette(unsigned flags) {
    return (flags & 0x80) != 0 ? take(std::size_t{6} << (flags & 7)) : Bytes();
  }

 private:
  Bytes file_;
  std::size_t at_ = 0;
};

Screen read_screen(Bytes file) {
  constexpr std::size_t signature_bytes = 6;
  constexpr unsigned extension = 0x21;
  constexpr unsigned image = 0x2C;
  constexpr unsigned control = 0xF9;
  Reader reader(file);
  reader.take(signature_bytes);
  Screen screen;
  screen.width = reader.u16();
  screen.height = reader.u16();
  const unsigned flags = reader.u8();
  screen.background = reader.u8();
  reader.u8();  // the aspect of its pixels
  screen.palette = reader.palette(flags);

  Frame& frame = screen.frame;
  for (;;) {
    const unsigned kind = reader.u8();
    if (kind == image) break;
    if (kind != extension) corrupt("has no image, or a damaged part before it");
    const bool is_control = reader.u8() == control;
    while (const unsigned size = reader.u8()) {
      const Bytes block = reader.take(size);
      if (!is_control || size != 4) continue;
      const bool has_transparent = (block[0] & std::byte{1}) != std::byte{0};
      frame.transparent = has_transparent ? std::to_integer<int>(block[3]) : -1;
    }
  }
  frame.left = reader.u16();
  frame.top = reader.u16();
  frame.width = reader.u16();
  frame.height = reader.u16();
  const unsigned frame_flags = reader.u8();
  frame.interlaced = (frame_flags & 0x40) != 0;
  frame.palette = reader.palette(frame_flags);
  if (frame.palette.empty()) frame.palette = screen.palette;
  frame.code_bits = static_cast<int>(reader.u8());
  frame.data = reader.at();
  // Some programs leave the size of the screen out.
  screen.width = std::max(screen.width, frame.left + frame.width);
  screen.height = std::max(screen.height, frame.top + frame.height);
  if (frame.width == 0 || frame.height == 0) corrupt("has no pixels");
  if (frame.palette.empty()) corrupt("has no palette");
  if (frame.code_bits < 1 || frame.code_bits > 8) corrupt("has a damaged header");
  return screen;
}

// The codes of a frame, of a width that grows, from its blocks of bytes.
class CodeReader {
 public:
  CodeReader(Bytes file, std::size_t at) : file_(file), at_(at) {}

  std::optional<unsigned> next(int bits) {
    while (bit_count_ < bits) {
      if (left_ == 0) {
        if (at_ >= file_.size()) return {};
        left_ = std::to_integer<std::size_t>(file_[at_++]);
        if (left_ == 0) return {};  // the last block
      }
      if (at_ >= file_.size()) return {};
      bits_ |= std::to_integer<std::uint32_t>(file_[at_++]) << bit_count_;
      bit_count_ += 8;
      --left_;
    }
    const unsigned code = bits_ & ((1U << bits) - 1);
    bits_ >>= bits;
    bit_count_ -= bits;
    return code;
  }

 private:
  Bytes file_;
  std::size_t at_;
  std::size_t left_ = 0;  // of the block
  std::uint32_t bits_ = 0;
  int bit_count_ = 0;
};

// LZW: each code stands for an earlier one and a byte behind it.
class Decompressor {
 public:
  Decompressor(Bytes file, const Frame& frame)
      : codes_(file, frame.data), clear_(1U << frame.code_bits), code_bits_(frame.code_bits) {
    for (unsigned i = 0; i < clear_; ++i) last_byte_[i] = static_cast<std::uint8_t>(i);
    reset();
  }

  // The next bytes, which hold until the next call; none at the end.
  std::span<const std::uint8_t> next() {
    for (;;) {
      const auto code = codes_.next(bits_);
      if (!code || *code == clear_ + 1) return {};
      if (*code == clear_) {
        reset();
        continue;
      }
      if (*code > count_ || (*code == count_ && !has_previous_) || *code >= most_codes) {
        corrupt("has damaged data");
      }
      // A code that is just about to be made is the previous one and its own first byte.
      const bool is_new = *code == count_;
      std::size_t at = text_.size();
      if (is_new) text_[--at] = first_byte_;
      for (unsigned rest = is_new ? previous_ : *code;; rest = prefix_[rest]) {
        text_[--at] = last_byte_[rest];
        if (rest < clear_) break;
      }
      first_byte_ = text_[at];
      if (has_previous_ && count_ < most_codes) {
        prefix_[count_] = static_cast<std::uint16_t>(previous_);
        last_byte_[count_] = first_byte_;
        ++count_;
        if (count_ == 1U << bits_ && bits_ < most_code_bits) ++bits_;
      }
      previous_ = *code;
      has_previous_ = true;
      return std::span(text_).subspan(at);
    }
  }

 private:
  void reset() {
    count_ = clear_ + 2;
    bits_ = code_bits_ + 1;
    has_previous_ = false;
  }

  CodeReader codes_;
  unsigned clear_;
  int code_bits_;
  unsigned count_ = 0;  // of codes that are known
  int bits_ = 0;        // of a code
  unsigned previous_ = 0;
  bool has_previous_ = false;
  std::uint8_t first_byte_ = 0;  // of what the previous code stands for
  std::array<std::uint16_t, most_codes> prefix_{};
  std::array<std::uint8_t, most_codes> last_byte_{};
  std::array<std::uint8_t, most_codes + 1> text_{};
};

// Where the rows of a frame lie, in the order in which they are stored.
std::vector<int> row_order(const Frame& frame) {
  std::vector<int> rows;
  if (!frame.interlaced) {
    for (int y = 0; y < frame.height; ++y) rows.push_back(y);
    return rows;
  }
  constexpr std::array<std::array<int, 2>, 4> passes = {{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
  for (const auto& [first, step] : passes) {
    for (int y = first; y < frame.height; y += step) rows.push_back(y);
  }
  return rows;
}

// The pixel of each index.
using Colours = std::array<std::array<std::uint8_t, 3>, 256>;

Colours colours_of(Bytes palette, int channels) {
  Colours colours{};
  for (std::size_t i = 0; i < palette.size() / 3; ++i) {
    const auto part = [&](std::size_t c) { return std::to_integer<unsigned>(palette[3 * i + c]); };
    if (channels == 1) {
      colours[i][0] = luma601(part(0), part(1), part(2));
    } else {
      for (std::size_t c = 0; c < 3; ++c) colours[i][c] = static_cast<std::uint8_t>(part(c));
    }
  }
  return colours;
}

}  // namespace

ImageInfo read_gif_header(Bytes file) {
  const Screen screen = read_screen(file);
  ImageInfo info;
  info.shape = {screen.height, screen.width, screen.frame.transparent >= 0 ? 4 : 3};
  return info;
}

void decode_gif(Bytes file, int channels, const std::optional<BackgroundColour>& background,
                Image& into) {
  const Screen screen = read_screen(file);
  const Frame& frame = screen.frame;
  Colours colours = colours_of(frame.palette, channels);
  std::array<std::uint8_t, 3> outside = colours_of(screen.palette, channels)[screen.background];
  if (background) {
    const std::array<std::byte, 3> rgb = {std::byte{background->red}, std::byte{background->green},
                                          std::byte{background->blue}};
    const auto own = colours_of(rgb, channels)[0];
    if (frame.transparent >= 0) {
      colours[static_cast<std::size_t>(frame.transparent)] = own;
      outside = own;
    }
  }
  const auto step = static_cast<std::size_t>(channels);
  into.reshape({screen.height, screen.width, channels});
  const bool covered = frame.width == screen.width && frame.height == screen.height;
  for (int y = 0; y < screen.height && !covered; ++y) {
    auto* pixel = into.row<std::uint8_t>(y);
    for (int x = 0; x < screen.width; ++x, pixel += step) std::copy_n(outside.begin(), step, pixel);
  }

  Decompressor data(file, frame);
  std::span<const std::uint8_t> bytes;
  for (const int y : row_order(frame)) {
    auto* pixel =
        into.row<std::uint8_t>(frame.top + y) + static_cast<std::size_t>(frame.left) * step;
    for (int x = 0; x < frame.width; ++x, pixel += step) {
      if (bytes.empty()) bytes = data.next();
      if (bytes.empty()) {
        corrupt("ends early, in row " + std::to_string(y) + " of " + std::to_string(frame.height));
      }
      std::copy_n(colours[bytes[0]].begin(), step, pixel);
      bytes = bytes.subspan(1);
    }
  }
}

}  // namespace headrace
