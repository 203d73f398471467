#include "headrace/train/cpu/team.h"

#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>

#include "headrace/pipeline/hand_over.h"

namespace headrace::cpu {

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
  const auto task = hand_over.task([&](int i) { part(i); });
  // Part i goes to the same thread each time, where that thread is free: its data are in its cache.
  arena_->arena.execute([&] { tbb::parallel_for(0, parts, task, tbb::static_partitioner()); });
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
