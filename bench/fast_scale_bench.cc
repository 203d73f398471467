// What decoding at a lower resolution gains and costs (DecodeOptions::fast_scale): photos, each
// decoded and resized for ImageNet's evaluation, at full resolution and at the least that will do.
// mean_levels and max_levels say how far pixels are from those of the full decode.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "headrace/augment/recipe.h"
#include "headrace/formats/jpeg.h"
#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/sample_plan.h"
#include "photos.h"

namespace headrace::bench {
namespace {

const std::vector<Bytes>& large_photos() { return photos({1200, 1600}, 90); }

// Decodes and renders as an ImageSequence does.
class Path {
 public:
  explicit Path(bool fast_scale)
      : session_(make_jpeg_decoder({.fast_scale = fast_scale})->session()) {
    Recipe recipe({224, 224, 3}, ElementType::u8);
    recipe.set("short_side", 256.0);
    augmenter_ = recipe.make_augmenter();
    levels_.resize(augmenter_->output().row_bytes());
  }

  const std::vector<std::byte>& make(const Bytes& file) {
    const ImageSize size = session_->open(file).shape.size();
    const SamplePlan plan = augmenter_->plan(size, Rng(1, 0));
    const int eighths = session_->least_eighths(spare_resolution(plan));
    const SamplePlan scaled = at_eighths(plan, eighths);
    const Region decoded = session_->decode({scaled.region, 3, eighths}, image_);
    augmenter_->render(scaled, image_.view(), decoded, levels_.data(), scratch_);
    return levels_;
  }

 private:
  std::unique_ptr<DecodeSession> session_;
  std::shared_ptr<const Augmenter> augmenter_;
  Image image_;
  RenderScratch scratch_;
  std::vector<std::byte> levels_;
};

void report_errors(benchmark::State& state, const Bytes& file) {
  Path full(false);
  Path fast(true);
  const auto& expected = full.make(file);
  const auto& result = fast.make(file);
  int most = 0;
  double sum = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const int error = std::abs(std::to_integer<int>(result[i]) - std::to_integer<int>(expected[i]));
    most = std::max(most, error);
    sum += error;
  }
  state.counters["mean_levels"] +=
      sum / static_cast<double>(expected.size() * large_photos().size());
  state.counters["max_levels"] = std::max(state.counters["max_levels"].value, double(most));
}

void large_photo(benchmark::State& state, bool fast_scale) {
  Path path(fast_scale);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(path.make(large_photos()[i++ % large_photos().size()]).data());
  }
  state.SetItemsProcessed(state.iterations());
  if (!fast_scale) return;
  for (const Bytes& file : large_photos()) report_errors(state, file);
}

BENCHMARK_CAPTURE(large_photo, full_scale, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(large_photo, fast_scale, true)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace headrace::bench
