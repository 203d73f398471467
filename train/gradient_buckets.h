#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "headrace/train/communicator.h"

namespace headrace {

// Adds up gradients over ranks in buckets, from the arena's beginning to its end: each is on its
// way as soon as backward has made all of it. Used by one thread.
class GradientBuckets {
 public:
  // `bucket` values each, the same on all ranks.
  GradientBuckets(Communicator& communicator, std::span<float> gradients, std::size_t bucket);

  // Everything before `end` is final.
  void ready(std::size_t end);
  // The rest as it is.
  void finish() { start_until(gradients_.size()); }
  // Until all are added up.
  void wait(std::chrono::milliseconds deadline);

 private:
  void start_until(std::size_t end);

  Communicator& communicator_;
  std::span<float> gradients_;
  std::size_t bucket_;
  std::size_t started_ = 0;
  std::vector<Communicator::Ticket> tickets_;
};

}  // namespace headrace
