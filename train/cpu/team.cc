#include "headrace/train/cpu/team.h"

#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>

namespace headrace::cpu {
namespace {

// Work given to other threads, and taken back, also when a part throws. oneTBB does that too, but
// where ThreadSanitizer cannot see it: in a library that is not instrumented.
class HandOver {
 public:
  HandOver() { state_.store(1, std::memory_order_release); }
  ~HandOver() { static_cast<void>(state_.load(std::memory_order_acquire)); }
  HandOver(const HandOver&) = delete;
  HandOver& operator=(const HandOver&) = delete;

  // One part of it, on the thread that does it.
  class Taken {
   public:
    explicit Taken(HandOver& work) : state_(work.state_) {
      static_cast<void>(state_.load(std::memory_order_acquire));
    }
    ~Taken() { state_.fetch_add(1, std::memory_order_acq_rel); }
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;

   private:
    std::atomic<int>& state_;
  };

 private:
  std::atomic<int> state_{0};
};

}  // namespace

struct Team::Arena {
  // More than oneTBB has threads would only make it complain.
  explicit Arena(int threads)
      : arena(std::min(threads, tbb::info::default_concurrency()), 1,
              tbb::task_arena::priority::high) {}
  tbb::task_arena arena;
};

Team::Team(int threads)
    : threads_(threads), arena_(threads > 1 ? std::make_unique<Arena>(threads) : nullptr) {}

Team::~Team() = default;

void Team::run(int parts, const std::function<void(int)>& part) {
  if (arena_ == nullptr || parts <= 1) {
    for (int i = 0; i < parts; ++i) part(i);
    return;
  }
  HandOver hand_over;
  const auto visible_part = [&](int i) {
    const HandOver::Taken taken(hand_over);
    part(i);
  };
  // Part i goes to the same thread each time, where that thread is free: its data are in its cache.
  arena_->arena.execute(
      [&] { tbb::parallel_for(0, parts, visible_part, tbb::static_partitioner()); });
}

void Team::run_ranges(std::size_t size, std::size_t grain,
                      const std::function<void(std::size_t, std::size_t)>& piece) {
  const auto pieces = std::clamp<std::size_t>(size / grain, 1, static_cast<std::size_t>(threads_));
  // Whole cache lines.
  const std::size_t length = (size / pieces + 15) / 16 * 16;
  run(static_cast<int>(pieces), [&](int i) {
    const std::size_t first = std::min(static_cast<std::size_t>(i) * length, size);
    const bool is_last = static_cast<std::size_t>(i) + 1 == pieces;
    piece(first, is_last ? size : std::min(first + length, size));
  });
}

}  // namespace headrace::cpu
