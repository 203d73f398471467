// What each step from the plain path on gains: photos in memory, each becomes a row of ImageNet's
// recipe (random-resized-crop to 224, flip, mean and deviation, f32), on one thread. Rows are
// written one behind the other into a batch of 64, as a loader does. Beside fast_chroma, how far
// its levels are from the exact ones.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "headrace/augment/named_recipes.h"
#include "headrace/augment/recipe.h"
#include "headrace/formats/jpeg.h"
#include "headrace/formats/libjpeg_decoder.h"
#include "headrace/pipeline/rng.h"
#include "photos.h"

namespace headrace::bench {
namespace {

// Decodes and renders as an ImageSequence does.
class Path {
 public:
  Path(const Decoder& decoder, const Recipe& recipe, bool whole = false)
      : whole_(whole), session_(decoder.session()), augmenter_(recipe.make_augmenter()) {}

  std::size_t row_bytes() const { return augmenter_->output().row_bytes(); }

  void make(const Bytes& file, std::uint64_t sample, std::byte* row) {
    const ImageSize size = session_->open(file).shape.size();
    const SamplePlan plan = augmenter_->plan(size, Rng(1, 0).for_sample(sample));
    const Region wanted = whole_ ? Region{0, 0, size.height, size.width} : plan.region;
    if (augmenter_->takes_planes(plan)) {
      if (const ColourPlanes* const planes = session_->decode_planes(wanted)) {
        return augmenter_->render_planes(plan, *planes, row, scratch_);
      }
    }
    const Region decoded = session_->decode({wanted, 3}, image_);
    augmenter_->render(plan, image_.view(), decoded, row, scratch_);
  }

 private:
  bool whole_;
  std::unique_ptr<DecodeSession> session_;
  std::shared_ptr<const Augmenter> augmenter_;
  Image image_;
  RenderScratch scratch_;
};

Recipe imagenet(ElementType type) {
  Recipe recipe = named_recipe("imagenet");
  if (type == ElementType::u8) recipe = recipe.without_normalisation();
  return recipe;
}

DecodeOptions with_index(bool fast_chroma) {
  static const auto index = photo_index();
  return {.fast_chroma = fast_chroma, .seek_index = index};
}

void make_batches(benchmark::State& state, const Decoder& decoder, bool whole = false) {
  constexpr std::size_t batch = 64;
  Path path(decoder, imagenet(ElementType::f32), whole);
  std::vector<std::byte> rows(batch * path.row_bytes());
  std::size_t i = 0;
  for (auto _ : state) {
    path.make(photos()[i % photos().size()], i, rows.data() + i % batch * path.row_bytes());
    ++i;
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

// Of levels, before they are normalised.
void report_errors(benchmark::State& state) {
  Path exact(*make_jpeg_decoder(), imagenet(ElementType::u8));
  Path fast(*make_jpeg_decoder({.fast_chroma = true}), imagenet(ElementType::u8));
  std::vector<std::byte> expected(exact.row_bytes());
  std::vector<std::byte> actual(expected.size());
  std::array<std::int64_t, 256> count{};
  for (std::size_t i = 0; i < photos().size(); ++i) {
    exact.make(photos()[i], i, expected.data());
    fast.make(photos()[i], i, actual.data());
    for (std::size_t e = 0; e < expected.size(); ++e) {
      const int difference = std::to_integer<int>(expected[e]) - std::to_integer<int>(actual[e]);
      ++count[static_cast<std::size_t>(std::abs(difference))];
    }
  }
  const auto all = static_cast<double>(expected.size() * photos().size());
  const auto share_from = [&](std::size_t least) {
    double sum = 0;
    for (std::size_t d = least; d < count.size(); ++d) sum += static_cast<double>(count[d]);
    return 100 * sum / all;
  };
  double sum = 0;
  for (std::size_t d = 0; d < count.size(); ++d) {
    sum += static_cast<double>(d) * static_cast<double>(count[d]);
    if (count[d] > 0) state.counters["max_levels"] = static_cast<double>(d);
  }
  state.counters["mean_levels"] = sum / all;
  state.counters["percent_from_1"] = share_from(1);
  state.counters["percent_from_2"] = share_from(2);
  state.counters["percent_from_4"] = share_from(4);
  state.counters["percent_from_8"] = share_from(8);
}

void row_whole_libjpeg(benchmark::State& state) {
  make_batches(state, *make_libjpeg_decoder(), true);
}
void row_region_libjpeg(benchmark::State& state) { make_batches(state, *make_libjpeg_decoder()); }
void row_headrace(benchmark::State& state) { make_batches(state, *make_jpeg_decoder()); }
void row_headrace_index(benchmark::State& state) {
  make_batches(state, *make_jpeg_decoder(with_index(false)));
}
void row_fast_chroma(benchmark::State& state) {
  make_batches(state, *make_jpeg_decoder({.fast_chroma = true}));
  report_errors(state);
}
void row_fast_chroma_index(benchmark::State& state) {
  make_batches(state, *make_jpeg_decoder(with_index(true)));
}

BENCHMARK(row_whole_libjpeg)->Unit(benchmark::kMicrosecond);
BENCHMARK(row_region_libjpeg)->Unit(benchmark::kMicrosecond);
BENCHMARK(row_headrace)->Unit(benchmark::kMicrosecond);
BENCHMARK(row_headrace_index)->Unit(benchmark::kMicrosecond);
BENCHMARK(row_fast_chroma)->Unit(benchmark::kMicrosecond);
BENCHMARK(row_fast_chroma_index)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace headrace::bench
