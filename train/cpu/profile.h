#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "headrace/train/operation_time.h"

namespace headrace::cpu {

enum class OperationKind : std::uint8_t {
  convolution,
  dense,
  lstm,
  batch_normalization,
  pooling,
  activation,
  padding,
  copy,
  sum,
  loss,
  gradients,  // cleared, and added up over slices
  update,     // the optimizer's
  layouts,    // weights, as primitives want them
};

enum class Phase : std::uint8_t { forward, backward };

// Where the time of a plan goes. Each slice notes its own, on one thread at a time.
class Profile {
 public:
  explicit Profile(std::size_t slices) : slices_(slices) {}
  void add(std::size_t slice, OperationKind kind, Phase phase, double seconds, double flops);
  std::vector<OperationTime> times() const;  // of kinds that took any

 private:
  static constexpr std::size_t kinds = static_cast<std::size_t>(OperationKind::layouts) + 1;
  struct Cell {
    std::array<double, 2> seconds{};  // by phase
    double flops = 0;
  };
  // A cache line's distance between slices.
  struct alignas(64) Slice {
    std::array<Cell, kinds> cells;
  };
  std::vector<Slice> slices_;
};

// Times what it outlives, if there is a profile. `threads` of them are taken by it.
class ProfileSpan {
 public:
  ProfileSpan(Profile* profile, std::size_t slice, OperationKind kind, Phase phase,
              double flops = 0, int threads = 1)
      : profile_(profile),
        slice_(slice),
        kind_(kind),
        phase_(phase),
        flops_(flops),
        threads_(threads) {
    if (profile_ != nullptr) begin_ = Clock::now();
  }
  ~ProfileSpan() {
    if (profile_ == nullptr) return;
    const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    profile_->add(slice_, kind_, phase_, threads_ * seconds, flops_);
  }
  ProfileSpan(const ProfileSpan&) = delete;
  ProfileSpan& operator=(const ProfileSpan&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  Profile* profile_;
  std::size_t slice_;
  OperationKind kind_;
  Phase phase_;
  double flops_;
  int threads_;
  Clock::time_point begin_;
};

}  // namespace headrace::cpu
