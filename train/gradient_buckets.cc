#include "headrace/train/gradient_buckets.h"

#include <algorithm>

namespace headrace {

GradientBuckets::GradientBuckets(Communicator& communicator, std::span<float> gradients,
                                 std::size_t bucket)
    : communicator_(communicator),
      gradients_(gradients),
      bucket_(std::max<std::size_t>(bucket, 1)) {}

void GradientBuckets::ready(std::size_t end) {
  while (started_ + bucket_ <= end) start_until(started_ + bucket_);
}

void GradientBuckets::start_until(std::size_t end) {
  while (started_ < end) {
    const std::size_t count = std::min(bucket_, gradients_.size() - started_);
    const auto now = Clock::now();
    buckets_.push_back(
        {communicator_.start(Collective::all_reduce_sum, gradients_.subspan(started_, count)),
         now});
    started_ += count;
  }
}

void GradientBuckets::finish() {
  backward_end_ = Clock::now();
  start_until(gradients_.size());
}

ExchangeTimes GradientBuckets::wait(std::chrono::milliseconds deadline) {
  // The last first: waiting for it, a rank does its part of all before.
  for (auto bucket = buckets_.rbegin(); bucket != buckets_.rend(); ++bucket) {
    communicator_.wait(bucket->ticket, deadline);
  }
  std::vector<ExchangeInterval> intervals;
  for (const Bucket& bucket : buckets_) {
    const auto begin =
        communicator_.works_alone() ? bucket.started : std::max(bucket.started, backward_end_);
    intervals.push_back({begin, communicator_.done_at(bucket.ticket)});
  }
  buckets_.clear();
  return exchange_times(intervals, backward_end_);
}

}  // namespace headrace
