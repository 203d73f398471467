#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "headrace/train/communicator.h"
#include "headrace/train/exchange_times.h"

namespace headrace {

// Adds up gradients over ranks in buckets, from the arena's beginning to its end: each is on its
// way as soon as backward has made all of it. Used by one thread.
class GradientBuckets {
 public:
  // `bucket` values each, the same on all ranks.
  GradientBuckets(Communicator& communicator, std::span<float> gradients, std::size_t bucket);

  // Everything before `end` is final.
  void ready(std::size_t end);
  // Backward has ended: the rest as it is.
  void finish();
  // Until all are added up. Returns how long they were on their way.
  ExchangeTimes wait(std::chrono::milliseconds deadline);

 private:
  using Clock = Communicator::Clock;
  struct Bucket {
    Communicator::Ticket ticket;
    Clock::time_point started;
  };
  void start_until(std::size_t end);

  Communicator& communicator_;
  std::span<float> gradients_;
  std::size_t bucket_;
  std::size_t started_ = 0;
  std::vector<Bucket> buckets_;
  Clock::time_point backward_end_ = {};
};

}  // namespace headrace
