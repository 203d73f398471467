#pragma once

#include <cstdint>
#include <vector>

#include "headrace/pipeline/sequence.h"

namespace headrace {

// What a Loader has done so far. Times in seconds.
struct LoaderStats {
  std::int64_t batches = 0;  // delivered
  std::int64_t samples = 0;
  double first_batch_seconds = 0;  // from construction to the first batch in the consumer's hands
  double wait_seconds = 0;         // the consumer waited for a batch, in all
  double wait_p50_seconds = 0;     // of one wait, the first batch left out
  double wait_p99_seconds = 0;
  double max_epoch_gap_seconds = 0;  // longest wait for the first batch of a later epoch
  double starved_seconds = 0;        // threads waited for a slot: all were full, consumer slow
  double ready_seconds = 0;          // finished batches waited for the consumer, all together
  int ready_batches = 0;             // finished and not yet asked for
  int queued_chunks = 0;             // parts of batches that wait for a thread now
  std::size_t slot_bytes = 0;        // memory of all slots
  double seconds = 0;                // since construction
  int threads = 0;                   // that fill, at most, now
  double thread_seconds = 0;         // they could have been busy, all together
  double fill_seconds = 0;           // they were busy, all together
  double denied_seconds = 0;         // there was work, and others had the pool's threads
  int io_threads = 0;                // that wait for disks
  double io_seconds = 0;             // they were busy, all together
  std::int64_t disk_samples = 0;     // read by them: not in memory when they were wanted
  int queued_reads = 0;              // chunks that wait for one of them now
  std::size_t peak_read_bytes = 0;   // most that was read and not yet used
  StageTimes stages;
};

// Percentiles of durations without keeping them: a histogram of 5 % wide buckets from 1 us up.
// Not synchronised.
class DurationHistogram {
 public:
  DurationHistogram();
  void add(double seconds);
  std::int64_t count() const { return count_; }
  // The duration that a share `fraction` of all stays at or below; 0 if there are none.
  double percentile(double fraction) const;

 private:
  std::vector<std::int64_t> buckets_;
  std::int64_t count_ = 0;
};

}  // namespace headrace
