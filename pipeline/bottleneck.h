#pragma once

#include <string>

#include "headrace/pipeline/loader_stats.h"

namespace headrace {

// Who is slow, where a loader and its consumer work side by side.
struct Bottleneck {
  enum class Who {
    unknown,   // too few batches to tell
    consumer,  // a batch was ready whenever it asked
    disk,      // files were not in memory, and reading them took longest
    cores,     // the threads that decode were busy all the time, for this loader or for others
    neither,   // the consumer waited, and yet cores and disk had time: batches come in bursts
  };
  Who who = Who::unknown;
  // Of the consumer's time: it waited for a batch, the first one left out. 0 to 1.
  double wait_share = 0;
  // How many times faster the consumer would be if it never waited.
  double gain_without_waiting = 1;
  // How busy the threads were that fill batches, and that read from disks. 0 to 1.
  double cores_busy = 0;
  // Of the same: how long others had the threads of the pool that this loader had work for.
  double cores_denied = 0;
  double disk_busy = 0;
  // For people: who, by how much, and the one change that would help most.
  std::string text;
};

// A verdict on what a loader has done so far. The consumer is said to wait if it did for more than
// 5 % of its time.
Bottleneck find_bottleneck(const LoaderStats& stats);

}  // namespace headrace
