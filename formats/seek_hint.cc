#include "headrace/formats/seek_hint.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>

#include "headrace/formats/baseline/frame.h"
#include "headrace/formats/baseline/seek_points.h"
#include "headrace/formats/libjpeg.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {
namespace {

using Header = std::array<std::byte, hint_header_bytes>;

Header header_of(std::span<const std::byte> image) {
  constexpr std::uint32_t kind = 1;
  const auto bytes = static_cast<std::uint32_t>(image.size());
  const std::uint64_t hash =
      Fingerprint().add(image.last(std::min<std::size_t>(image.size(), 64))).value();
  Header header{};
  std::memcpy(header.data(), &kind, 4);
  std::memcpy(header.data() + 4, &bytes, 4);
  std::memcpy(header.data() + 8, &hash, 8);
  return header;
}

}  // namespace

// Every image has a decompressor of its own, so that no table of another reaches it.
bool SeekPointMaker::append(std::span<const std::byte> file, std::vector<std::byte>& into) {
  jpeg_decompress_struct info;
  LibjpegErrors errors;
  info.err = &errors.manager;
  const bool parsed = guarded(errors, [&] {
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(file.data()), file.size());
    jpeg_read_header(&info, TRUE);
  });
  const auto frame = parsed ? baseline::frame_of(info) : std::nullopt;
  bool made = false;
  if (frame) {
    const std::span scan(info.src->next_input_byte, info.src->bytes_in_buffer);
    data_.take(std::as_bytes(scan), frame->restart_interval != 0);
    made = make_seek_points(entropy_, *frame, data_, into);
  }
  jpeg_destroy_decompress(&info);
  return made;
}

bool make_seek_hint(std::span<const std::byte> file, SeekPointMaker& maker,
                    std::vector<std::byte>& into) {
  into.clear();
  constexpr std::byte jpeg_begin[] = {std::byte{0xFF}, std::byte{0xD8}};
  if (file.size() > std::numeric_limits<std::uint32_t>::max() ||
      !std::equal(
          std::begin(jpeg_begin), std::end(jpeg_begin), file.begin(),
          file.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, file.size())))) {
    return false;
  }
  const Header header = header_of(file);
  into.assign(header.begin(), header.end());
  if (maker.append(file, into)) return true;
  into.clear();
  return false;
}

std::span<const std::byte> points_of_hint(std::span<const std::byte> hint,
                                          std::span<const std::byte> image) {
  if (hint.size() <= hint_header_bytes) return {};
  const Header header = header_of(image);
  if (!std::equal(header.begin(), header.end(), hint.begin())) return {};
  return hint.subspan(hint_header_bytes);
}

}  // namespace headrace
