// What decoding a crop costs, and what each step of Headrace's own decoder for baseline files
// gains: photos, of each a part as random-resized-crop draws it, 8 % to all of its area.
//
// HEADRACE_BENCH_PHOTOS names a folder of JPEG files (script/bench-data makes one); without it, one
// drawn photo.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "headrace/formats/jpeg.h"
#include "headrace/formats/libjpeg_decoder.h"
#include "headrace/formats/open_dataset.h"
#include "headrace/formats/seek_index.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

Bytes drawn_photo() {
  Image image({375, 500, 3});
  for (int y = 0; y < 375; ++y) {
    auto* value = image.row<std::uint8_t>(y);
    for (int x = 0; x < 500; ++x) {
      double sum = 128;
      for (int k = 1; k < 24; ++k) sum += 60.0 / k * std::sin(0.021 * k * x + 0.013 * k * k * y);
      for (int c = 0; c < 3; ++c) {
        *value++ = static_cast<std::uint8_t>(std::clamp(sum + 20 * c, 0.0, 255.0));
      }
    }
  }
  Bytes bytes;
  encode_jpeg(image.view(), 85, bytes);
  return bytes;
}

Bytes read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> text(std::istreambuf_iterator<char>(file), {});
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

const std::vector<Bytes>& photos() {
  static const std::vector<Bytes> all = [] {
    constexpr std::size_t most = 400;
    std::vector<Bytes> files;
    if (const char* folder = std::getenv("HEADRACE_BENCH_PHOTOS")) {
      for (const auto& entry : fs::directory_iterator(folder)) {
        if (files.size() == most) break;
        if (entry.path().extension() == ".jpg") files.push_back(read_file(entry.path()));
      }
    }
    if (files.empty()) files.push_back(drawn_photo());
    return files;
  }();
  return all;
}

// Of the photos, in a folder that is gone afterwards.
std::shared_ptr<const SeekIndex> make_index() {
  const fs::path folder = fs::temp_directory_path() / ("headrace-" + std::to_string(::getpid()));
  fs::create_directories(folder / "images");
  for (std::size_t i = 0; i < photos().size(); ++i) {
    std::ofstream file(folder / "images" / (std::to_string(i) + ".jpg"), std::ios::binary);
    file.write(reinterpret_cast<const char*>(photos()[i].data()),
               static_cast<std::streamsize>(photos()[i].size()));
  }
  write_seek_index(*open_dataset((folder / "images").string(), DataOptions{}), folder / "index");
  auto index = SeekIndex::open(folder / "index");
  fs::remove_all(folder);
  return index;
}

Region random_crop(const ImageSize& size, std::mt19937_64& rng) {
  std::uniform_real_distribution<double> scale(0.08, 1);
  std::uniform_real_distribution<double> log_ratio(std::log(3.0 / 4), std::log(4.0 / 3));
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = scale(rng) * size.height * size.width;
    const double ratio = std::exp(log_ratio(rng));
    const auto width = static_cast<int>(std::lround(std::sqrt(area * ratio)));
    const auto height = static_cast<int>(std::lround(std::sqrt(area / ratio)));
    if (width < 1 || height < 1 || width > size.width || height > size.height) continue;
    return {std::uniform_int_distribution<int>(0, size.height - height)(rng),
            std::uniform_int_distribution<int>(0, size.width - width)(rng), height, width};
  }
  return {0, 0, size.height, size.width};
}

void decode_photos(benchmark::State& state, const Decoder& decoder, bool crops) {
  const std::vector<Bytes>& files = photos();
  const auto session = decoder.session();
  std::mt19937_64 rng(1);
  Image image;
  std::size_t next = 0;
  for (auto _ : state) {
    const ImageSize size = session->open(files[next]).shape.size();
    next = (next + 1) % files.size();
    const Region whole{0, 0, size.height, size.width};
    session->decode({crops ? random_crop(size, rng) : whole, 3}, image);
    benchmark::DoNotOptimize(image.data());
  }
  state.SetItemsProcessed(state.iterations());
}

void crop_libjpeg(benchmark::State& state) { decode_photos(state, *make_libjpeg_decoder(), true); }
void crop_headrace(benchmark::State& state) { decode_photos(state, *make_jpeg_decoder(), true); }
void crop_headrace_index(benchmark::State& state) {
  static const auto index = make_index();
  DecodeOptions options;
  options.seek_index = index;
  decode_photos(state, *make_jpeg_decoder(options), true);
}
void whole_libjpeg(benchmark::State& state) {
  decode_photos(state, *make_libjpeg_decoder(), false);
}
void whole_headrace(benchmark::State& state) { decode_photos(state, *make_jpeg_decoder(), false); }

BENCHMARK(crop_libjpeg)->Unit(benchmark::kMicrosecond);
BENCHMARK(crop_headrace)->Unit(benchmark::kMicrosecond);
BENCHMARK(crop_headrace_index)->Unit(benchmark::kMicrosecond);
BENCHMARK(whole_libjpeg)->Unit(benchmark::kMicrosecond);
BENCHMARK(whole_headrace)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace headrace
