#include "headrace/cli/pipeline_figures.h"

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace headrace::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// How long devices compute.
class BusyTime {
 public:
  void hear(const Plan::DeviceTurn& turn) {
    const auto now = Clock::now();
    const std::lock_guard lock(mutex_);
    if (turn.is_over) {
      seconds_ += seconds_between(begun_[turn.device], now);
    } else {
      begun_[turn.device] = now;
    }
  }
  double seconds() const { return seconds_; }

 private:
  std::mutex mutex_;
  std::map<std::string, Clock::time_point> begun_;  // by device
  double seconds_ = 0;
};

}  // namespace

PipelineFigures measure_pipeline(Plan& plan, const StepInput& input, int devices, int micro_batches,
                                 int steps) {
  plan.forward_backward(input);
  BusyTime busy;
  plan.set_device_listener([&](const Plan::DeviceTurn& turn) { busy.hear(turn); });
  const auto begun = Clock::now();
  for (int step = 0; step < steps; ++step) plan.forward_backward(input);
  const double seconds = seconds_between(begun, Clock::now());
  plan.set_device_listener({});
  PipelineFigures figures;
  figures.devices = devices;
  figures.step_seconds = seconds / steps;
  figures.bubble = 1 - busy.seconds() / (devices * seconds);
  figures.bubble_in_theory = static_cast<double>(devices - 1) / (micro_batches + devices - 1);
  return figures;
}

}  // namespace headrace::cli
