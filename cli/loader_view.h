#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "headrace/pipeline/bottleneck.h"
#include "headrace/pipeline/loader_stats.h"

namespace headrace::cli {

// What a loader did between two looks at its statistics. Values that are no sums (queue, threads)
// are those of `later`.
LoaderStats difference(const LoaderStats& later, const LoaderStats& earlier);

// In a word or two, for a progress line: "trainer slow" (that is, `consumer` slow), "disk slow",
// "decoding slow", "bursts"; "" if it cannot be told.
std::string who_is_slow(const LoaderStats& stats, const std::string& consumer);

// How a loader is doing now, for a progress line that is drawn again and again: what it did in the
// last seconds, and not what it did in all.
class LoaderView {
 public:
  explicit LoaderView(std::string consumer) : consumer_(std::move(consumer)) {}

  // "queue 3/6  wait 2 %  trainer slow": batches that are ready, of those that fit; the share of
  // time that the consumer waited; who is slow.
  std::string look(const LoaderStats& now, int slots);

 private:
  std::string consumer_;
  std::optional<LoaderStats> base_;
  std::optional<LoaderStats> next_base_;
};

// Who is slow where a loader and a trainer work side by side, by how much, and which of the
// program's options would help.
std::string training_verdict(const LoaderStats& stats, bool on_gpu = false);

// What limits a loader that is drained as fast as it goes, in a sentence: "Decoding is the limit:
// 2 threads are busy 98 % of the time, 63 % of it with decoding."
std::string loader_limit(const LoaderStats& stats);

}  // namespace headrace::cli
