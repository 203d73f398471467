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
    tickets_.push_back(
        communicator_.start(Collective::all_reduce_sum, gradients_.subspan(started_, count)));
    started_ += count;
  }
}

void GradientBuckets::wait(std::chrono::milliseconds deadline) {
  // The last first: waiting for it, a rank does its part of all before.
  while (!tickets_.empty()) {
    communicator_.wait(tickets_.back(), deadline);
    tickets_.pop_back();
  }
}

}  // namespace headrace
