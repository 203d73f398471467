#pragma once

#include <chrono>
#include <cstdint>

namespace headrace {

// Times of the stages of one fill(), in nanoseconds; then those of all.
template <class Count>
struct Stages {
  Count read{0};
  Count decode{0};
  Count render{0};
  Count samples{0};
  Count bytes{0};
};

// Adds the time since the last call to a stage, `weight` times over; weight 0 reads no clock.
class StageTimer {
 public:
  explicit StageTimer(std::int64_t weight) : weight_(weight) {
    if (weight_ != 0) last_ = std::chrono::steady_clock::now();
  }
  void end(std::int64_t& stage) {
    if (weight_ == 0) return;
    const std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
    stage += weight_ * std::chrono::nanoseconds(now - last_).count();
    last_ = now;
  }

 private:
  std::int64_t weight_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace headrace
