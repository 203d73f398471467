#include "headrace/cli/feed_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "headrace/cli/loader_view.h"
#include "headrace/cli/progress.h"

namespace headrace::cli {
namespace {

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

// "decoding slow" without its last word.
std::string first_word(const std::string& text) { return text.substr(0, text.find(' ')); }

std::string rate(double images) { return with_commas(std::llround(images)); }

}  // namespace

FeedFigures figures_of(const FeedMeasurement& measured) {
  const LoaderStats& stats = measured.stats;
  FeedFigures figures;
  figures.images_per_second = ratio(static_cast<double>(measured.images), measured.seconds);
  figures.wait_share = std::clamp(ratio(stats.wait_seconds, measured.seconds), 0.0, 1.0);
  figures.images_per_core = ratio(static_cast<double>(stats.samples), stats.fill_seconds);
  figures.loader_images = figures.images_per_core * stats.threads;
  figures.cores_needed = ratio(measured.trainer_images, figures.images_per_core);
  figures.slow = first_word(who_is_slow(stats, "trainer"));
  figures.verdict = training_verdict(stats, measured.on_gpu);
  return figures;
}

Json to_json(const FeedMeasurement& measured) {
  const FeedFigures figures = figures_of(measured);
  const LoaderStats& stats = measured.stats;
  return {{"images_per_second", figures.images_per_second},
          {"images", measured.images},
          {"seconds", measured.seconds},
          {"wait_share", figures.wait_share},
          {"slow", figures.slow},
          {"verdict", figures.verdict},
          {"trainer_images_per_second", measured.trainer_images},
          {"loader_images_per_second", figures.loader_images},
          {"loader_images_per_core_second", figures.images_per_core},
          {"cores_needed", figures.cores_needed},
          {"loader_threads", stats.threads},
          {"loader_busy", ratio(stats.fill_seconds, stats.thread_seconds)},
          {"bytes_an_image", measured.bytes_an_image}};
}

std::string to_text(const FeedMeasurement& measured) {
  const FeedFigures figures = figures_of(measured);
  const LoaderStats& stats = measured.stats;
  std::string text =
      fmt::format("{} images/s: {} images in {}; the trainer waited {:.0f} % of that time\n",
                  rate(figures.images_per_second), with_commas(measured.images),
                  duration(measured.seconds), 100 * figures.wait_share);
  text += fmt::format(
      "alone the trainer takes {} images/s; the loader makes {} with {} thread{}, "
      "{} with each\n",
      rate(measured.trainer_images), rate(figures.loader_images), stats.threads,
      stats.threads == 1 ? "" : "s", rate(figures.images_per_core));
  text += fmt::format("to keep {} busy the loader needs {:.1f} cores such as these\n",
                      measured.on_gpu ? "this GPU" : "this trainer", figures.cores_needed);
  return text + figures.verdict + "\n";
}

}  // namespace headrace::cli
