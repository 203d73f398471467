#include "headrace/pipeline/bottleneck.h"

#include <algorithm>
#include <cstdio>

namespace headrace {
namespace {

constexpr double waits_from = 0.05;
constexpr double busy_from = 0.8;

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f %%", share * 100);
  return text;
}

std::string times(double factor) {
  char text[32];
  std::snprintf(text, sizeof text, factor < 10 ? "%.1f" : "%.0f", factor);
  return text;
}

double share_of(double part, double whole) {
  return whole > 0 ? std::clamp(part / whole, 0.0, 1.0) : 0;
}

struct Stage {
  const char* name;
  double seconds;
  const char* remedy;
};

Stage longest_stage(const StageTimes& stages) {
  const Stage all[] = {
      {"reading", stages.read, "keep the files in memory or in fewer, larger files"},
      {"decoding", stages.decode, "store the images no larger than the recipe needs them"},
      {"rendering", stages.render, "drop operations of the recipe, or make its output smaller"},
  };
  return *std::max_element(std::begin(all), std::end(all),
                           [](const Stage& a, const Stage& b) { return a.seconds < b.seconds; });
}

std::string waiting(const Bottleneck& found) {
  return "the consumer waits " + percent(found.wait_share) + " of its time and would be " +
         times(found.gain_without_waiting) + " times as fast if it did not. ";
}

std::string consumer_text(const Bottleneck& found) {
  std::string text = "The consumer is the slow one: it waits " + percent(found.wait_share) +
                     " of its time for batches, and the loader's threads are busy " +
                     percent(found.cores_busy) + " of theirs";
  if (found.cores_busy > 0 && found.cores_busy < busy_from) {
    text += ": they could make " + times(1 / found.cores_busy) + " times as many";
  }
  return text + ". Make the consumer faster; the loader needs nothing.";
}

std::string disk_text(const LoaderStats& stats, const Bottleneck& found) {
  return "The disk is slow: " + waiting(found) +
         percent(share_of(static_cast<double>(stats.disk_samples),
                          static_cast<double>(stats.stages.samples))) +
         " of the samples were not in memory, and the " + std::to_string(stats.io_threads) +
         " threads that read them are busy " + percent(found.disk_busy) +
         " of the time. Read with more of them at once (io_threads), from a faster disk, or keep "
         "the files in memory.";
}

std::string cores_text(const LoaderStats& stats, const Bottleneck& found) {
  std::string text = "The loader is slow: " + waiting(found) + "Its " +
                     std::to_string(stats.threads) + " threads are busy " +
                     percent(found.cores_busy) + " of the time. ";
  if (found.cores_denied > found.cores_busy / 4) {
    return text + "For " + percent(found.cores_denied) +
           " of it other loaders had threads that it had work for. Give those a smaller share "
           "(threads), or the process more cores.";
  }
  const double all = stats.stages.read + stats.stages.decode + stats.stages.render;
  if (all <= 0) return text + "Give it more threads.";
  const Stage stage = longest_stage(stats.stages);
  return text + "Give it more threads, if there are cores; most of the work is " + stage.name +
         " (" + percent(share_of(stage.seconds, all)) + "): " + stage.remedy + ".";
}

std::string neither_text(const Bottleneck& found) {
  return "Batches come in bursts: " + waiting(found) + "Yet the loader's threads are busy only " +
         percent(found.cores_busy) +
         " of the time. Let it run further ahead (prefetch), and hold fewer batches at a time.";
}

}  // namespace

Bottleneck find_bottleneck(const LoaderStats& stats) {
  Bottleneck found;
  const double seconds = stats.seconds - stats.first_batch_seconds;
  if (stats.batches < 10 || seconds <= 0) {
    found.text = "Too few batches to tell who is slow.";
    return found;
  }
  found.wait_share = share_of(stats.wait_seconds - stats.first_batch_seconds, seconds);
  found.gain_without_waiting = 1 / std::max(1 - found.wait_share, 1e-3);
  found.cores_busy = share_of(stats.fill_seconds, stats.thread_seconds);
  found.cores_denied = share_of(stats.denied_seconds, stats.thread_seconds);
  found.disk_busy = share_of(stats.io_seconds, stats.io_threads * stats.seconds);
  if (found.wait_share <= waits_from) {
    found.who = Bottleneck::Who::consumer;
    found.text = consumer_text(found);
  } else if (found.cores_busy + found.cores_denied >= busy_from) {
    found.who = Bottleneck::Who::cores;
    found.text = cores_text(stats, found);
  } else if (found.disk_busy >= 0.5) {  // reads come in waves, unlike work for cores
    found.who = Bottleneck::Who::disk;
    found.text = disk_text(stats, found);
  } else {
    found.who = Bottleneck::Who::neither;
    found.text = neither_text(found);
  }
  return found;
}

}  // namespace headrace
