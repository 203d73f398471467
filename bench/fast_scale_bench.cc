// What decoding at a lower resolution gains and costs (DecodeOptions::fast_scale): photos, each
// decoded and resized for ImageNet's evaluation, at full resolution and at the least that will do.
// mean_levels and max_levels say how far pixels are from those of the full decode. The photos are
// the JPEG files of the folder $HEADRACE_BENCH_PHOTOS; without it, a drawn one of 1600 x 1200.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

#include "headrace/augment/recipe.h"
#include "headrace/formats/jpeg.h"
#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {
namespace {

using Bytes = std::vector<std::byte>;

// Waves of falling strength, ever shorter.
Bytes drawn_photo() {
  Image image({1200, 1600, 3});
  for (int y = 0; y < 1200; ++y) {
    auto* value = image.row<std::uint8_t>(y);
    for (int x = 0; x < 1600; ++x) {
      double sum = 128;
      for (int k = 1; k < 16; ++k) sum += 70.0 / k * std::sin(0.02 * k * x + 0.007 * k * k * y);
      for (int c = 0; c < 3; ++c) {
        *value++ = static_cast<std::uint8_t>(std::clamp(sum + 20 * c, 0.0, 255.0));
      }
    }
  }
  Bytes bytes;
  encode_jpeg(image.view(), 90, bytes);
  return bytes;
}

const std::vector<Bytes>& photos() {
  static const std::vector<Bytes> all = [] {
    constexpr std::size_t most = 50;
    std::vector<Bytes> files;
    if (const char* folder = std::getenv("HEADRACE_BENCH_PHOTOS")) {
      for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (files.size() == most) break;
        if (entry.path().extension() != ".jpg") continue;
        std::ifstream file(entry.path(), std::ios::binary);
        const std::vector<char> text(std::istreambuf_iterator<char>(file), {});
        const auto bytes = std::as_bytes(std::span(text));
        files.emplace_back(bytes.begin(), bytes.end());
      }
    }
    if (files.empty()) files.push_back(drawn_photo());
    return files;
  }();
  return all;
}

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
  state.counters["mean_levels"] += sum / static_cast<double>(expected.size() * photos().size());
  state.counters["max_levels"] = std::max(state.counters["max_levels"].value, double(most));
}

void large_photo(benchmark::State& state, bool fast_scale) {
  Path path(fast_scale);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(path.make(photos()[i++ % photos().size()]).data());
  }
  state.SetItemsProcessed(state.iterations());
  if (!fast_scale) return;
  for (const Bytes& file : photos()) report_errors(state, file);
}

BENCHMARK_CAPTURE(large_photo, full_scale, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(large_photo, fast_scale, true)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace headrace
