// Decoding JPEG files in memory: Headrace's sessions beside plain loops of libjpeg, one of which
// makes a decompressor for each image (as most programs do) and one of which keeps it.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

// Uses size_t and FILE without declaring them: stays behind the others.
#include <jpeglib.h>

#include "headrace/formats/image_codec.h"
#include "headrace/formats/jpeg.h"

namespace headrace {
namespace {

using Bytes = std::vector<std::byte>;

// As hard to code as a photo: sums of waves of falling strength, with edges and a little noise.
Image photo(ImageShape shape) {
  Image image(shape);
  std::uint32_t noise = 1;
  for (int y = 0; y < shape.height; ++y) {
    auto* pixel = image.row<std::uint8_t>(y);
    for (int x = 0; x < shape.width; ++x) {
      double value = 128;
      for (int k = 1; k < 24; ++k) {
        value += 60.0 / k * std::sin(0.021 * k * x + 0.013 * k * k * y + k * k);
      }
      if ((x / 37 + y / 29) % 3 == 0) value += 30;
      noise = noise * 1664525u + 1013904223u;
      value += static_cast<double>(noise >> 29);
      for (int c = 0; c < shape.channels; ++c) {
        *pixel++ =
            static_cast<std::uint8_t>(std::clamp(value + 9 * c * std::sin(0.01 * x), 0., 255.));
      }
    }
  }
  return image;
}

Bytes jpeg(ImageShape shape, int quality) {
  Bytes bytes;
  encode_jpeg(photo(shape).view(), quality, bytes);
  return bytes;
}

const Bytes& small_grey() {
  static const Bytes bytes = jpeg({28, 28, 1}, 90);
  return bytes;
}

const Bytes& colour_photo() {  // 4:2:0
  static const Bytes bytes = jpeg({375, 500, 3}, 85);
  return bytes;
}

void count(benchmark::State& state, const Bytes& bytes) {
  state.SetItemsProcessed(state.iterations());
  state.counters["file_bytes"] = static_cast<double>(bytes.size());
}

void run_session(benchmark::State& state, const Decoder& decoder, const Bytes& bytes, int channels,
                 double part = 1) {
  const auto session = decoder.session();
  Image image;
  for (auto _ : state) {
    const ImageSize size = session->open(bytes).shape.size();
    const int height = static_cast<int>(size.height * part);
    const int width = static_cast<int>(size.width * part);
    const Region region{(size.height - height) / 2, (size.width - width) / 2, height, width};
    session->decode({region, channels}, image);
    benchmark::DoNotOptimize(image.data());
  }
  count(state, bytes);
}

void start(jpeg_decompress_struct& info, const Bytes& bytes, int channels) {
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&info);
}

void read(jpeg_decompress_struct& info, std::vector<JSAMPLE>& pixels) {
  const std::size_t row_bytes =
      std::size_t{info.output_width} * static_cast<std::size_t>(info.output_components);
  pixels.resize(row_bytes * info.output_height);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels.data() + info.output_scanline * row_bytes;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  benchmark::DoNotOptimize(pixels.data());
}

void run_libjpeg_fresh(benchmark::State& state, const Bytes& bytes, int channels) {
  std::vector<JSAMPLE> pixels;
  for (auto _ : state) {
    jpeg_decompress_struct info;
    jpeg_error_mgr errors;
    info.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&info);
    start(info, bytes, channels);
    read(info, pixels);
    jpeg_destroy_decompress(&info);
  }
  count(state, bytes);
}

void run_libjpeg_kept(benchmark::State& state, const Bytes& bytes, int channels) {
  std::vector<JSAMPLE> pixels;
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  for (auto _ : state) {
    start(info, bytes, channels);
    read(info, pixels);
  }
  jpeg_destroy_decompress(&info);
  count(state, bytes);
}

void small_grey_headrace(benchmark::State& state) {
  run_session(state, *make_jpeg_decoder(), small_grey(), 1);
}
void small_grey_libjpeg_kept(benchmark::State& state) { run_libjpeg_kept(state, small_grey(), 1); }
void small_grey_libjpeg_fresh(benchmark::State& state) {
  run_libjpeg_fresh(state, small_grey(), 1);
}
void photo_headrace(benchmark::State& state) {
  run_session(state, *make_jpeg_decoder(), colour_photo(), 3);
}
void photo_libjpeg_kept(benchmark::State& state) { run_libjpeg_kept(state, colour_photo(), 3); }
void photo_libjpeg_fresh(benchmark::State& state) { run_libjpeg_fresh(state, colour_photo(), 3); }
void photo_middle_half_headrace(benchmark::State& state) {
  run_session(state, *make_jpeg_decoder(), colour_photo(), 3, 0.5);
}

BENCHMARK(small_grey_headrace);
BENCHMARK(small_grey_libjpeg_kept);
BENCHMARK(small_grey_libjpeg_fresh);
BENCHMARK(photo_headrace)->Unit(benchmark::kMicrosecond);
BENCHMARK(photo_libjpeg_kept)->Unit(benchmark::kMicrosecond);
BENCHMARK(photo_libjpeg_fresh)->Unit(benchmark::kMicrosecond);
BENCHMARK(photo_middle_half_headrace)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace headrace
