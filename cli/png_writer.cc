#include "headrace/cli/png_writer.h"

#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

using Bytes = std::vector<std::byte>;

void put_number(Bytes& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::byte>(number >> shift & 0xFF));
  }
}

void put_chunk(Bytes& out, std::string_view type, const Bytes& data) {
  put_number(out, static_cast<std::uint32_t>(data.size()));
  const std::size_t begin = out.size();
  for (const char c : type) out.push_back(static_cast<std::byte>(c));
  out.insert(out.end(), data.begin(), data.end());
  const auto* checked = reinterpret_cast<const Bytef*>(out.data() + begin);
  put_number(out,
             static_cast<std::uint32_t>(crc32(0, checked, static_cast<uInt>(out.size() - begin))));
}

// The type of the filter, then the row.
void put_row(Bytes& out, const std::uint8_t* row, const std::uint8_t* above, std::size_t count) {
  std::int64_t plain = 0;
  std::int64_t changed = 0;
  for (std::size_t i = 0; above != nullptr && i < count; ++i) {
    plain += std::abs(static_cast<std::int8_t>(row[i]));
    changed += std::abs(static_cast<std::int8_t>(row[i] - above[i]));
  }
  constexpr std::byte none{0};
  constexpr std::byte up{2};
  const bool difference = changed < plain;
  out.push_back(difference ? up : none);
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(static_cast<std::byte>(difference ? row[i] - above[i] : row[i]));
  }
}

Bytes compressed(const Bytes& data) {
  uLongf size = compressBound(static_cast<uLong>(data.size()));
  Bytes out(size);
  const int status =
      compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                reinterpret_cast<const Bytef*>(data.data()), static_cast<uLong>(data.size()), 6);
  if (status != Z_OK) throw Error(ErrorCode::backend, "a picture could not be compressed");
  out.resize(size);
  return out;
}

}  // namespace

std::vector<std::byte> encode_png(const ImageView& pixels) {
  const auto [height, width, channels] = pixels.shape;
  Bytes header;
  put_number(header, static_cast<std::uint32_t>(width));
  put_number(header, static_cast<std::uint32_t>(height));
  constexpr std::byte depth{8};
  constexpr std::byte grey{0};
  constexpr std::byte colour{2};
  header.insert(header.end(),
                {depth, channels == 1 ? grey : colour, std::byte{0}, std::byte{0}, std::byte{0}});
  Bytes rows;
  const std::size_t count = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  rows.reserve((count + 1) * static_cast<std::size_t>(height));
  for (int y = 0; y < height; ++y) {
    const auto* above = y == 0 ? nullptr : pixels.row<std::uint8_t>(y - 1);
    put_row(rows, pixels.row<std::uint8_t>(y), above, count);
  }
  Bytes out;
  constexpr std::string_view signature = "\x89PNG\r\n\x1A\n";
  for (const char c : signature) out.push_back(static_cast<std::byte>(c));
  put_chunk(out, "IHDR", header);
  put_chunk(out, "IDAT", compressed(rows));
  put_chunk(out, "IEND", {});
  return out;
}

}  // namespace headrace::cli
