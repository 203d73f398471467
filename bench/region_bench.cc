// What decoding a crop costs, and what each step of Headrace's own decoder for baseline files
// gains: photos, of each a part as random-resized-crop draws it, 8 % to all of its area.
//
// HEADRACE_BENCH_PHOTOS names a folder of JPEG files (photos.h).

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <random>

#include "headrace/formats/jpeg.h"
#include "headrace/formats/libjpeg_decoder.h"
#include "photos.h"
#include "region_variant.h"

namespace headrace::bench {
namespace {

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
  static const auto index = photo_index();
  DecodeOptions options;
  options.seek_index = index;
  decode_photos(state, *make_jpeg_decoder(options), true);
}
void whole_libjpeg(benchmark::State& state) {
  decode_photos(state, *make_libjpeg_decoder(), false);
}
void whole_headrace(benchmark::State& state) { decode_photos(state, *make_jpeg_decoder(), false); }

// Without the cost of a session around it.
void decode_variant(benchmark::State& state, const std::unique_ptr<RegionVariant>& variant) {
  std::mt19937_64 rng(1);
  Image image;
  std::size_t next = 0;
  for (auto _ : state) {
    const ImageSize size = variant->open(photos()[next]);
    next = (next + 1) % photos().size();
    if (!variant->decode(random_crop(size, rng), image)) state.SkipWithError("no baseline file");
    benchmark::DoNotOptimize(image.data());
  }
  state.SetItemsProcessed(state.iterations());
}

void variant_as_it_is(benchmark::State& state) { decode_variant(state, region_as_it_is()); }
void variant_trusting_files(benchmark::State& state) { decode_variant(state, region_trusting()); }
void variant_skipping_singly(benchmark::State& state) {
  decode_variant(state, region_skipping_singly());
}

BENCHMARK(crop_libjpeg)->Unit(benchmark::kMicrosecond);
BENCHMARK(crop_headrace)->Unit(benchmark::kMicrosecond);
BENCHMARK(crop_headrace_index)->Unit(benchmark::kMicrosecond);
BENCHMARK(whole_libjpeg)->Unit(benchmark::kMicrosecond);
BENCHMARK(whole_headrace)->Unit(benchmark::kMicrosecond);
BENCHMARK(variant_as_it_is)->Unit(benchmark::kMicrosecond);
BENCHMARK(variant_trusting_files)->Unit(benchmark::kMicrosecond);
BENCHMARK(variant_skipping_singly)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace headrace::bench
