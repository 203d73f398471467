#include <array>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "headrace/formats/jpeg.h"
#include "headrace/formats/libjpeg_decoder.h"
#include "headrace/pipeline/colour_planes.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/sample_plan.h"
#include "tests/fuzz/fuzz_target.h"

// The decoder for baseline files against libjpeg alone: the same pixels, or the same words of an
// error, at any resolution; and the planes of a file (DecodeOptions::fast_chroma), whose brightness
// is what decoding to grey gives. The input is a JPEG file, or ten bytes that choose the kind of a
// file and what is asked of it, and then its entropy-coded data; its Huffman tables are those that
// a file without any has.
namespace {

using headrace::DecodeRequest;
using headrace::DecodeSession;
using headrace::Image;
using headrace::ImageShape;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t choices = 10;

void append(Bytes& to, std::initializer_list<unsigned> bytes) {
  for (const unsigned byte : bytes) to.push_back(static_cast<std::uint8_t>(byte));
}

Bytes file_of(const std::uint8_t* data, std::size_t size) {
  Bytes file;
  const unsigned kind = data[0] % 5;  // grey, then the subsamplings of three components
  const unsigned components = kind == 0 ? 1 : 3;
  constexpr std::array<unsigned, 5> sampling = {0x11, 0x11, 0x21, 0x12, 0x22};
  append(file, {0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0});
  for (unsigned i = 0; i < 64; ++i) append(file, {1 + data[4] % 32u * (1 + i / 8)});
  append(file, {0xFF, 0xC0, 0, 8 + 3 * components, 8, 0, 1 + data[1] % 80u, 0, 1 + data[2] % 80u,
                components});
  for (unsigned c = 0; c < components; ++c)
    append(file, {c + 1, c == 0 ? sampling[kind] : 0x11, 0});
  if (data[3] % 4 == 1) append(file, {0xFF, 0xDD, 0, 4, 0, 1 + data[3] / 4u});
  append(file, {0xFF, 0xDA, 0, 6 + 2 * components, components});
  for (unsigned c = 0; c < components; ++c) append(file, {c + 1, c == 0 ? 0x00u : 0x11u});
  append(file, {0, 63, 0});
  file.insert(file.end(), data + choices, data + size);
  return file;
}

// Where the region and the channels come from.
std::array<unsigned, 5> choices_of(const std::uint8_t* data, std::size_t size) {
  const auto n = static_cast<unsigned>(size);
  if (data[0] == 0xFF) return {n * 3 / 7, n * 5 / 7, n * 11 / 7, n * 13 / 7, n};
  return {data[5], data[6], data[7], data[8], data[9]};
}

DecodeRequest request_for(const ImageShape& shape, const std::array<unsigned, 5>& chosen) {
  const auto choose = [](unsigned choice, int count) {
    return static_cast<int>(choice % static_cast<unsigned>(count));
  };
  DecodeRequest request;
  request.channels = chosen[4] % 4 == 0 ? 1 : 3;
  constexpr std::array<int, 8> eighths = {8, 8, 8, 8, 8, 4, 2, 1};
  request.eighths = eighths[chosen[4] / 4 % eighths.size()];
  const auto [height, width] = headrace::size_at_eighths(shape.size(), request.eighths);
  request.region.top = choose(chosen[0], height);
  request.region.left = choose(chosen[1], width);
  request.region.height = 1 + choose(chosen[2], height - request.region.top);
  request.region.width = 1 + choose(chosen[3], width - request.region.left);
  return request;
}

std::string decode(DecodeSession& session, const Bytes& file, const std::array<unsigned, 5>& chosen,
                   Image& into) {
  try {
    const auto shape = session.open(std::as_bytes(std::span(file))).shape;
    session.decode(request_for(shape, chosen), into);
  } catch (const headrace::Error& error) {
    return error.what();
  } catch (const std::bad_alloc&) {
    return "no memory";
  }
  return "";
}

// True if there are no planes, or they show what decoding to grey does.
bool planes_agree(DecodeSession& planes_of, DecodeSession& grey_of, const Bytes& file,
                  const std::array<unsigned, 5>& chosen) {
  static Image grey;
  try {
    const auto bytes = std::as_bytes(std::span(file));
    const auto region = request_for(planes_of.open(bytes).shape, chosen).region;
    const auto* const planes = planes_of.decode_planes(region);
    if (planes == nullptr) return true;
    grey_of.open(bytes);
    grey_of.decode({region, 1}, grey);
    const auto& [pixels, shown, whole, step] = planes->planes[0];
    if (!(shown == region)) return false;
    for (int y = 0; y < region.height; ++y) {
      const auto width = static_cast<std::size_t>(region.width);
      if (std::memcmp(pixels.row<std::byte>(y), grey.row<std::byte>(y), width) != 0) return false;
    }
  } catch (const headrace::Error&) {
    return false;
  }
  return true;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < choices) return 0;
  constexpr std::int64_t max_pixels = 1 << 20;  // so that no input takes long
  static const auto ours = headrace::make_jpeg_decoder({max_pixels})->session();
  static const auto theirs = headrace::make_libjpeg_decoder({max_pixels})->session();
  static Image actual;
  static Image expected;
  const Bytes file = data[0] == 0xFF ? Bytes(data, data + size) : file_of(data, size);
  const auto chosen = choices_of(data, size);
  const std::string error = decode(*theirs, file, chosen, expected);
  if (decode(*ours, file, chosen, actual) != error) std::abort();
  if (!error.empty()) return 0;
  static const auto planes_of =
      headrace::make_jpeg_decoder({.max_pixels = max_pixels, .fast_chroma = true})->session();
  const bool at_full_resolution = request_for(actual.shape(), chosen).eighths == 8;
  if (at_full_resolution && !planes_agree(*planes_of, *theirs, file, chosen)) std::abort();
  if (actual.shape() != expected.shape() ||
      std::memcmp(actual.data(), expected.data(), actual.shape().elements()) != 0) {
    std::abort();
  }
  return 0;
}
