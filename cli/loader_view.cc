#include "headrace/cli/loader_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace headrace::cli {
namespace {

constexpr double window_seconds = 2;

struct Stage {
  const char* name;
  double share;  // of the time that threads were busy
};

std::array<Stage, 3> stages_of(const StageTimes& times) {
  const double all = std::max(times.read + times.decode + times.render, 1e-12);
  return {{{"reading", times.read / all},
           {"decoding", times.decode / all},
           {"rendering", times.render / all}}};
}

Stage longest_stage(const StageTimes& times) {
  const auto stages = stages_of(times);
  return *std::max_element(stages.begin(), stages.end(),
                           [](const Stage& a, const Stage& b) { return a.share < b.share; });
}

double share(double part, double whole) {
  return whole > 0 ? std::clamp(part / whole, 0.0, 1.0) : 0;
}

std::string capitalised(std::string text) {
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string busy_text(const LoaderStats& stats, const Bottleneck& found) {
  return fmt::format("{} thread{} busy {:.0f} % of the time", stats.threads,
                     stats.threads == 1 ? " is" : "s are", 100 * found.cores_busy);
}

std::string disk_text(const LoaderStats& stats, const Bottleneck& found) {
  return fmt::format(
      "{:.0f} % of the images were not in memory, and the {} threads that read them are busy "
      "{:.0f} % of the time",
      100 *
          share(static_cast<double>(stats.disk_samples), static_cast<double>(stats.stages.samples)),
      stats.io_threads, 100 * found.disk_busy);
}

}  // namespace

LoaderStats difference(const LoaderStats& later, const LoaderStats& earlier) {
  LoaderStats d = later;
  d.batches -= earlier.batches;
  d.samples -= earlier.samples;
  d.wait_seconds -= earlier.wait_seconds;
  d.starved_seconds -= earlier.starved_seconds;
  d.seconds -= earlier.seconds;
  d.fill_seconds -= earlier.fill_seconds;
  d.thread_seconds -= earlier.thread_seconds;
  d.denied_seconds -= earlier.denied_seconds;
  d.ready_seconds -= earlier.ready_seconds;
  d.io_seconds -= earlier.io_seconds;
  d.disk_samples -= earlier.disk_samples;
  d.stages.read -= earlier.stages.read;
  d.stages.decode -= earlier.stages.decode;
  d.stages.render -= earlier.stages.render;
  d.stages.samples -= earlier.stages.samples;
  d.stages.bytes_read -= earlier.stages.bytes_read;
  if (earlier.batches > 0) d.first_batch_seconds = 0;  // it lies before
  return d;
}

std::string who_is_slow(const LoaderStats& stats, const std::string& consumer) {
  switch (find_bottleneck(stats).who) {
    case Bottleneck::Who::unknown: return "";
    case Bottleneck::Who::consumer: return consumer + " slow";
    case Bottleneck::Who::disk: return "disk slow";
    case Bottleneck::Who::cores: return std::string(longest_stage(stats.stages).name) + " slow";
    case Bottleneck::Who::neither: return "bursts";
  }
  return "";
}

std::string LoaderView::look(const LoaderStats& now, int slots) {
  if (!base_ || now.seconds < base_->seconds) {
    base_ = next_base_ = now;
  } else if (now.seconds - next_base_->seconds >= window_seconds) {
    base_ = std::exchange(next_base_, now);
  }
  const LoaderStats recent = difference(now, *base_);
  std::string text = fmt::format("queue {}/{}", now.ready_batches, slots);
  if (recent.seconds > 0)
    text += fmt::format("  wait {:.0f} %", 100 * share(recent.wait_seconds, recent.seconds));
  const std::string slow = who_is_slow(recent, consumer_);
  return slow.empty() ? text : text + "  " + slow;
}

std::string training_verdict(const LoaderStats& stats, bool on_gpu) {
  const Bottleneck found = find_bottleneck(stats);
  const Stage stage = longest_stage(stats.stages);
  const std::string waits = fmt::format(
      "the trainer waits {:.0f} % of its time for images, and would be {:.1f} times as "
      "fast if it did not",
      100 * found.wait_share, found.gain_without_waiting);
  const std::string busy = busy_text(stats, found);
  switch (found.who) {
    case Bottleneck::Who::unknown: return "Too few batches to tell who is slow.";
    case Bottleneck::Who::consumer:
      return fmt::format(
          "The trainer is the slow one: it waits {:.0f} % of its time for images, while of the "
          "loader {}. Only a faster trainer helps: {}.",
          100 * found.wait_share, busy,
          on_gpu ? "a larger --batch-size or --precision bf16, if that is not had yet"
                 : "more --threads, if there are cores");
    case Bottleneck::Who::cores:
      return fmt::format(
          "The loader is the slow one: {}. Of the loader {}, {:.0f} % of it with {}: give it more "
          "--loader-threads, if there are cores, or less to do.",
          waits, busy, 100 * stage.share, stage.name);
    case Bottleneck::Who::disk:
      return fmt::format(
          "The disk is the slow one: {}. {}. Read more at a time (--io-threads), keep files in "
          "memory (--cache encoded --memory SIZE), or use a faster disk.",
          waits, capitalised(disk_text(stats, found)));
    case Bottleneck::Who::neither:
      return fmt::format(
          "Images come in bursts: {}. Yet of the loader {}: let it run further ahead (--prefetch).",
          waits, busy);
  }
  return "";
}

std::string loader_limit(const LoaderStats& stats) {
  const Bottleneck found = find_bottleneck(stats);
  const Stage stage = longest_stage(stats.stages);
  const std::string busy = busy_text(stats, found);
  switch (found.who) {
    case Bottleneck::Who::unknown: return "Too few batches to tell what is the limit.";
    case Bottleneck::Who::cores:
      return fmt::format("{} is the limit: {}, {:.0f} % of it with {}.", capitalised(stage.name),
                         busy, 100 * stage.share, stage.name);
    case Bottleneck::Who::disk:
      return fmt::format("The disk is the limit: {}, while {}. Try more --io-threads.",
                         disk_text(stats, found), busy);
    case Bottleneck::Who::consumer:
      return fmt::format(
          "The thread that takes the batches is the limit: it waits {:.0f} % of its time, and {}.",
          100 * found.wait_share, busy);
    case Bottleneck::Who::neither:
      return fmt::format(
          "Neither cores nor disk are at their limit: {}. Let it run further ahead (--prefetch), "
          "or see where it waits by --trace.",
          busy);
  }
  return "";
}

}  // namespace headrace::cli
