#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "headrace/formats/jpeg.h"
#include "headrace/formats/libjpeg.h"
#include "headrace/formats/libjpeg_decoder.h"
#include "headrace/formats/seek_hint.h"
#include "headrace/pipeline/colour_planes.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/sample_plan.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/small_jpeg.h"

// The decoder for baseline files against libjpeg alone: the same pixels, or the same words of an
// error, at any resolution, with seek points and without; and the planes of a file
// (DecodeOptions::fast_chroma), which are what libjpeg decodes before it interpolates. The input is
// a JPEG file, or bytes to make one of (small_jpeg.h), of which five choose what is asked of it.
namespace {

using headrace::ColourPlanes;
using headrace::Decoder;
using headrace::DecodeRequest;
using headrace::DecodeSession;
using headrace::Image;
using headrace::ImageShape;
using headrace::Region;
using Bytes = std::vector<std::uint8_t>;
using Hint = std::vector<std::byte>;

constexpr std::int64_t max_pixels = 1 << 20;  // so that no input takes long

// What is asked of a file: a region, and how.
struct Choices {
  unsigned top, left, height, width, how;

  Choices(const std::uint8_t* data, std::size_t size) {
    const auto n = static_cast<unsigned>(size);
    const bool is_file = data[0] == 0xFF;
    top = is_file ? n * 3 / 7 : data[5];
    left = is_file ? n * 5 / 7 : data[6];
    height = is_file ? n * 11 / 7 : data[7];
    width = is_file ? n * 13 / 7 : data[8];
    how = is_file ? n : data[9];
  }

  DecodeRequest request(const ImageShape& shape, bool whole_resolution = false) const {
    const auto choose = [](unsigned choice, int count) {
      return static_cast<int>(choice % static_cast<unsigned>(count));
    };
    DecodeRequest request;
    request.channels = how % 4 == 0 ? 1 : 3;
    constexpr std::array<int, 8> eighths = {8, 8, 8, 8, 8, 4, 2, 1};
    if (!whole_resolution) request.eighths = eighths[how / 4 % eighths.size()];
    const auto [rows, columns] = headrace::size_at_eighths(shape.size(), request.eighths);
    request.region.top = choose(top, rows);
    request.region.left = choose(left, columns);
    request.region.height = 1 + choose(height, rows - request.region.top);
    request.region.width = 1 + choose(width, columns - request.region.left);
    return request;
  }
};

void check(bool good) {
  if (!good) std::abort();
}

std::string decode(DecodeSession& session, const Bytes& file, const Hint& hint,
                   const Choices& chosen, Image& into) {
  try {
    const auto shape = session.open_with_hint(std::as_bytes(std::span(file)), hint).shape;
    session.decode(chosen.request(shape), into);
  } catch (const headrace::Error& error) {
    return error.what();
  } catch (const std::bad_alloc&) {
    return "no memory";
  }
  return "";
}

bool equal(Image& a, Image& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.shape().elements()) == 0;
}

// Compares planes with the samples that libjpeg makes, to the last row that they show; right of
// them there it may find fault with the file.
bool are_libjpegs(const ColourPlanes& planes, Bytes file) {
  file.insert(file.end(), {0xFF, 0xD9});  // a file may lack its end marker
  constexpr std::size_t most_rows = 16;   // of an MCU
  jpeg_decompress_struct info;
  headrace::LibjpegErrors errors;
  info.err = &errors.manager;
  const auto& size = planes.planes[0].whole;
  Bytes rows(3 * most_rows * (static_cast<std::size_t>(size.width) + 32));
  std::array<std::array<JSAMPROW, most_rows>, 3> lines{};
  for (std::size_t i = 0; i < 3 * most_rows; ++i) {
    lines[i / most_rows][i % most_rows] = rows.data() + i * (rows.size() / (3 * most_rows));
  }
  std::array<JSAMPARRAY, 3> to = {lines[0].data(), lines[1].data(), lines[2].data()};
  bool same = true;
  const auto compare = [&](std::size_t c, int first, int count) {
    const ColourPlanes::Plane& plane = planes.planes[c];
    const Region& shown = plane.region;
    for (int y = std::max(first, shown.top); y < first + count; ++y) {
      if (y >= shown.top + shown.height) return;
      const JSAMPLE* const line = lines[c][static_cast<std::size_t>(y - first)] + shown.left;
      same &= std::memcmp(plane.pixels.row<JSAMPLE>(y - shown.top), line,
                          static_cast<std::size_t>(shown.width)) == 0;
    }
  };
  const bool done = headrace::guarded(errors, [&] {
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, file.data(), file.size());
    jpeg_read_header(&info, TRUE);
    info.raw_data_out = TRUE;
    jpeg_start_decompress(&info);
    const auto is_shown = [&](int row) {
      return std::any_of(planes.planes.begin(), planes.planes.end(), [row](const auto& plane) {
        return row < (plane.region.top + plane.region.height) * plane.step.height;
      });
    };
    for (int row = 0; row < size.height && is_shown(row);) {
      const int rows_read = info.max_v_samp_factor * DCTSIZE;
      jpeg_read_raw_data(&info, to.data(), static_cast<JDIMENSION>(rows_read));
      for (std::size_t c = 0; c < 3; ++c) {
        const int step = planes.planes[c].step.height;
        compare(c, row / step, rows_read / step);
      }
      row += rows_read;
    }
  });
  jpeg_destroy_decompress(&info);
  return done && same;
}

// What has planes is sound as far as they show, and as far as its pixels would need it to be.
void check_planes(DecodeSession& planes_of, DecodeSession& theirs, const Bytes& file,
                  const Hint& hint, const Choices& chosen) {
  static Image pixels;
  const auto bytes = std::as_bytes(std::span(file));
  try {
    const auto shape = planes_of.open_with_hint(bytes, hint).shape;
    const Region region = chosen.request(shape, true).region;
    const ColourPlanes* const planes = planes_of.decode_planes(region);
    if (planes == nullptr) return;
    check(planes->planes[0].region == region);
    check(are_libjpegs(*planes, file));
    theirs.open(bytes);
    theirs.decode({region, 3}, pixels);
  } catch (const headrace::Error&) {
    std::abort();
  }
}

// Points that lead astray may make other pixels, of a sound file, but do no harm.
void try_wrong_points(DecodeSession& ours, DecodeSession& planes_of, const Bytes& file, Hint hint,
                      const Choices& chosen) {
  static Image pixels;
  for (std::size_t i = headrace::hint_header_bytes; i < hint.size(); ++i) {
    if ((i * (chosen.how + 1u) + chosen.top) % 7 == 0) hint[i] ^= std::byte(1u << chosen.left % 8u);
  }
  check(decode(ours, file, hint, chosen, pixels).empty());
  const auto shape = planes_of.open_with_hint(std::as_bytes(std::span(file)), hint).shape;
  planes_of.decode_planes(chosen.request(shape, true).region);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < headrace::fuzz::choices) return 0;
  static const auto ours = headrace::make_jpeg_decoder({max_pixels})->session();
  static const auto theirs = headrace::make_libjpeg_decoder({max_pixels})->session();
  static const auto planes_of =
      headrace::make_jpeg_decoder({.max_pixels = max_pixels, .fast_chroma = true})->session();
  static headrace::SeekPointMaker maker;
  static Image actual;
  static Image expected;
  static Hint hint;
  const Bytes file =
      data[0] == 0xFF ? Bytes(data, data + size) : headrace::fuzz::small_jpeg({data, size});
  const Choices chosen(data, size);
  const std::string error = decode(*theirs, file, {}, chosen, expected);
  check(decode(*ours, file, {}, chosen, actual) == error);
  check(!error.empty() || equal(actual, expected));
  try {
    static_cast<void>(planes_of->open(std::as_bytes(std::span(file))));
  } catch (const headrace::Error&) {
    return 0;
  }
  check_planes(*planes_of, *theirs, file, {}, chosen);
  if (!headrace::make_seek_hint(std::as_bytes(std::span(file)), maker, hint)) return 0;
  check(decode(*ours, file, hint, chosen, actual) == error && error.empty());
  check(equal(actual, expected));
  check_planes(*planes_of, *theirs, file, hint, chosen);
  try_wrong_points(*ours, *planes_of, file, hint, chosen);
  return 0;
}
