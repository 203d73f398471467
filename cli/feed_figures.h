#pragma once

#include <cstdint>
#include <string>

#include "headrace/cli/run_record.h"
#include "headrace/pipeline/loader_stats.h"

namespace headrace::cli {

// What `headrace bench feed` measures: a loader and a trainer together, then the trainer alone.
struct FeedMeasurement {
  LoaderStats stats;               // of the time together, warm-up left out
  std::int64_t images = 0;         // trained on in that time
  double seconds = 0;              // that it took
  double trainer_images = 0;       // images a second of the trainer alone, on one batch
  std::size_t bytes_an_image = 0;  // that a batch has for each, on its way to the trainer
  bool on_gpu = false;
};

// What follows from it.
struct FeedFigures {
  double images_per_second = 0;
  double wait_share = 0;       // of the trainer's time, waiting for images; 0 to 1
  double images_per_core = 0;  // that the loader makes in a second of one busy thread
  double loader_images = 0;    // a second, if all its threads were busy
  double cores_needed = 0;     // of the loader, to keep this trainer busy
  std::string slow;            // "trainer", "decoding", "disk", "bursts"; "" if unknown
  std::string verdict;         // in words, with the one change that would help most
};
FeedFigures figures_of(const FeedMeasurement& measured);

Json to_json(const FeedMeasurement& measured);
std::string to_text(const FeedMeasurement& measured);

}  // namespace headrace::cli
