#pragma once

#include <chrono>
#include <cstdint>

#include "headrace/pipeline/trace.h"

namespace headrace {

// Times of the stages of one fill(), in nanoseconds; then those of all.
template <class Count>
struct Stages {
  Count read{0};
  Count decode{0};
  Count render{0};
  Count samples{0};
  Count bytes{0};
  Count cached{0};  // samples
  Count planes{0};  // samples
};

// Adds the time since the last call to a stage, `weight` times over; weight 0 reads no clock.
class StageTimer {
 public:
  explicit StageTimer(std::int64_t weight, Trace* trace = nullptr, Trace::Subject subject = {})
      : weight_(weight), trace_(trace), subject_(subject) {
    if (weight_ != 0) last_ = std::chrono::steady_clock::now();
  }
  // `name` is that of the trace's event.
  void end(std::int64_t& stage, const char* name) {
    if (weight_ == 0) return;
    const std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
    stage += weight_ * std::chrono::nanoseconds(now - last_).count();
    if (trace_ != nullptr) trace_->add(name, last_, now, subject_);
    last_ = now;
  }

 private:
  std::int64_t weight_;
  Trace* trace_;
  Trace::Subject subject_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace headrace
