#include "headrace/pipeline/compute_pool.h"

#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_scheduler_observer.h>
#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "headrace/pipeline/compute_lane.h"
#include "headrace/pipeline/cpu_list.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/hand_over.h"
#include "headrace/pipeline/worker_budget.h"

namespace headrace {
namespace {

// Keeps the threads of an arena on some CPUs for as long as they are in it.
class Pinning final : public tbb::task_scheduler_observer {
 public:
  Pinning(tbb::task_arena& arena, const std::vector<int>& cpus)
      : task_scheduler_observer(arena), usual_(set_of(usable_cpus())), pinned_(set_of(cpus)) {
    HandOver::give();
    observe(true);
  }
  // Threads leave an arena without work by themselves, and are let go then.
  ~Pinning() override {
    {
      std::unique_lock lock(mutex_);
      ending_ = true;
      left_.wait_for(lock, std::chrono::seconds(2), [this] { return inside_ == 0; });
    }
    observe(false);
  }
  Pinning(const Pinning&) = delete;
  Pinning& operator=(const Pinning&) = delete;

 private:
  static cpu_set_t set_of(const std::vector<int>& cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int cpu : cpus) {
      if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
    }
    return set;
  }

  void on_scheduler_entry(bool) override {
    HandOver::see_given();
    const std::lock_guard lock(mutex_);
    ++inside_;
    if (ending_) return;  // nobody might be told when it leaves
    sched_setaffinity(0, sizeof pinned_, &pinned_);
  }
  void on_scheduler_exit(bool) override {
    const std::lock_guard lock(mutex_);
    sched_setaffinity(0, sizeof usual_, &usual_);
    --inside_;
    left_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable left_;
  int inside_ = 0;
  bool ending_ = false;
  const cpu_set_t usual_;
  const cpu_set_t pinned_;
};

struct Arena {
  Arena(int count, const std::vector<int>& cpus) : threads(count), workers(count), arena(count, 0) {
    if (!cpus.empty()) pinning.emplace(arena, cpus);
  }
  const int threads;
  WorkerBudget workers;
  tbb::task_arena arena;
  std::optional<Pinning> pinning;
};

// Which pool the thread works for.
thread_local const void* working_for = nullptr;

int checked_threads(const ComputePoolOptions& options) {
  constexpr int most_threads = 4096;
  if (options.threads < 0 || options.threads > most_threads) {
    throw Error(ErrorCode::invalid_argument,
                "a pool of " + std::to_string(options.threads) +
                    " threads: it must be 0 (one for each core) to 4,096");
  }
  check_cpu_list(options.cpus);
  if (options.threads > 0) return options.threads;
  return options.cpus.empty() ? usable_cores() : static_cast<int>(options.cpus.size());
}

}  // namespace

// oneTBB is given a task for each thread that could be busy, never more. What a task does is chosen
// when it runs. It does one piece of work, or several short ones, and hands on its place, so that
// the threads stay oneTBB's to give to other arenas of the program.
struct ComputePool::State {
  const std::vector<int> cpus;
  const bool grows;
  const int usual_threads;

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  int threads;
  std::vector<ComputeLane*> lanes;
  int tasks = 0;                               // given to oneTBB and not ended
  int inside = 0;                              // of them, and those that handed on their place
  std::chrono::nanoseconds used{0};            // of the lane that was last given a thread
  std::vector<std::unique_ptr<Arena>> arenas;  // those that were outgrown, and the one in use

  State(int count, std::vector<int> on, bool may_grow)
      : cpus(std::move(on)), grows(may_grow), usual_threads(count), threads(count) {
    arenas.push_back(std::make_unique<Arena>(threads, cpus));
    HandOver::give();
  }
  ~State() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return tasks == 0 && inside == 0; });
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // mutex is held for these.
  void resize();
  int claim_tasks();
  ComputeLane* pick() const;
  tbb::task_arena& arena() const { return arenas.back()->arena; }

  void start(int count, tbb::task_arena& in);
  void run_task() noexcept;
  std::chrono::nanoseconds run_next(ComputeLane& lane, std::unique_lock<std::mutex>& lock);
};

// A pool that grows is as large as the lane wants that wants most.
void ComputePool::State::resize() {
  threads = usual_threads;
  if (!grows) return;
  for (const ComputeLane* lane : lanes) threads = std::max(threads, lane->wanted_);
  if (threads > arenas.back()->threads) {
    arenas.push_back(std::make_unique<Arena>(threads, cpus));
  }
}

// How many tasks more could run now; they are counted from here on.
int ComputePool::State::claim_tasks() {
  int wanted = 0;
  for (const ComputeLane* lane : lanes) wanted += lane->most_tasks();
  const int more = std::max(std::min(wanted, threads) - tasks, 0);
  tasks += more;
  return more;
}

ComputeLane* ComputePool::State::pick() const {
  ComputeLane* best = nullptr;
  for (ComputeLane* lane : lanes) {
    if (!lane->may_run()) continue;
    if (best == nullptr ||
        std::pair(lane->running_, lane->used_) < std::pair(best->running_, best->used_)) {
      best = lane;
    }
  }
  return best;
}

void ComputePool::State::start(int count, tbb::task_arena& in) {
  for (int started = 0; started < count; ++started) {
    try {
      in.enqueue([this] {
        HandOver::see_given();
        run_task();
      });
    } catch (...) {
      const std::lock_guard lock(mutex);
      tasks -= count - started;
      throw;
    }
  }
}

void ComputePool::State::run_task() noexcept {
  constexpr std::chrono::microseconds turn(100);
  std::unique_lock lock(mutex);
  ++inside;
  std::chrono::nanoseconds took(0);
  bool handed_on = false;
  while (!handed_on && tasks <= threads) {
    ComputeLane* const lane = pick();
    if (lane == nullptr) break;
    took += run_next(*lane, lock);
    if (took < turn) continue;
    if (tasks > threads || pick() == nullptr) break;
    tbb::task_arena& same = arena();
    lock.unlock();
    try {
      start(1, same);
      handed_on = true;
      lock.lock();
    } catch (...) {
      lock.lock();
      ++tasks;  // no memory for another task: this one goes on
    }
  }
  if (!handed_on) --tasks;
  --inside;
  changed.notify_all();
}

// A piece of work of `lane`, with the mutex released; returns what it took.
std::chrono::nanoseconds ComputePool::State::run_next(ComputeLane& lane,
                                                      std::unique_lock<std::mutex>& lock) {
  const ComputeLane::Work work = lane.urgent_.empty() ? lane.later_.pop() : lane.urgent_.pop();
  ++lane.running_;
  used = std::max(used, lane.used_);
  const auto start = std::chrono::steady_clock::now();
  lane.count_denied(start);
  lock.unlock();
  const void* const before = std::exchange(working_for, this);
  lane.client_.run(work);
  working_for = before;
  lock.lock();
  const auto end = std::chrono::steady_clock::now();
  const std::chrono::nanoseconds took = end - start;
  --lane.running_;
  lane.count_denied(end);
  lane.used_ += took;
  if (lane.closed_) changed.notify_all();
  return took;
}

// --- The pool ---

ComputePool::ComputePool(ComputePoolOptions options) {
  const int threads = checked_threads(options);
  state_ = std::make_unique<State>(threads, std::move(options.cpus), false);
}

ComputePool::ComputePool(OfProcess)
    : state_(std::make_unique<State>(usable_cores(), std::vector<int>(), true)) {}

ComputePool::~ComputePool() = default;

std::shared_ptr<ComputePool> ComputePool::of_process() {
  static std::mutex mutex;
  static std::weak_ptr<ComputePool> shared;
  const std::lock_guard lock(mutex);
  auto pool = shared.lock();
  if (pool == nullptr) {
    pool.reset(new ComputePool(OfProcess()));
    shared = pool;
  }
  return pool;
}

int ComputePool::threads() const {
  const std::lock_guard lock(state_->mutex);
  return state_->threads;
}

const std::vector<int>& ComputePool::cpus() const { return state_->cpus; }

// --- The lane ---

void ComputeLane::Queue::push(Work work) {
  if (count_ == ring_.size()) {
    std::vector<Work> larger(std::max<std::size_t>(16, 2 * count_));
    for (std::size_t i = 0; i < count_; ++i) larger[i] = ring_[(first_ + i) % count_];
    ring_.swap(larger);
    first_ = 0;
  }
  ring_[(first_ + count_++) % ring_.size()] = work;
}

ComputeLane::Work ComputeLane::Queue::pop() {
  const Work work = ring_[first_];
  first_ = (first_ + 1) % ring_.size();
  --count_;
  return work;
}

int ComputeLane::most_tasks() const {
  const std::size_t all = waiting() + static_cast<std::size_t>(running_);
  return static_cast<int>(std::min(all, static_cast<std::size_t>(wanted_)));
}

// To be called when one of the numbers below has changed.
void ComputeLane::count_denied(Clock::time_point now) {
  if (denied_ > 0) denied_time_ += denied_ * std::chrono::nanoseconds(now - denied_from_);
  denied_from_ = now;
  const int most = std::min(wanted_, pool_->state_->threads);
  denied_ = std::min(std::max(most - running_, 0), static_cast<int>(waiting()));
}

ComputeLane::ComputeLane(std::shared_ptr<ComputePool> pool, Client& client, int threads)
    : pool_(std::move(pool)), client_(client), wanted_(threads) {
  const std::lock_guard lock(pool_->state_->mutex);
  pool_->state_->lanes.push_back(this);
  pool_->state_->resize();
}

ComputeLane::~ComputeLane() {
  close();
  const std::lock_guard lock(pool_->state_->mutex);
  auto& lanes = pool_->state_->lanes;
  lanes.erase(std::find(lanes.begin(), lanes.end(), this));
  pool_->state_->resize();
}

void ComputeLane::post(Queue& queue, Work work, std::uint32_t count) {
  ComputePool::State& pool = *pool_->state_;
  std::unique_lock lock(pool.mutex);
  if (closed_) return;
  if (waiting() == 0 && running_ == 0) used_ = std::max(used_, pool.used);
  for (std::uint32_t i = 0; i < count; ++i) {
    queue.push({work.kind, work.first, work.second + i});
  }
  count_denied(Clock::now());
  const int more = pool.claim_tasks();
  tbb::task_arena& arena = pool.arena();
  lock.unlock();
  pool.start(more, arena);
}

void ComputeLane::set_threads(int threads) {
  ComputePool::State& pool = *pool_->state_;
  std::unique_lock lock(pool.mutex);
  wanted_ = threads;
  pool.resize();
  count_denied(Clock::now());
  const int more = pool.claim_tasks();
  tbb::task_arena& arena = pool.arena();
  lock.unlock();
  pool.start(more, arena);
}

int ComputeLane::threads() const {
  const std::lock_guard lock(pool_->state_->mutex);
  return std::min(wanted_, pool_->state_->threads);
}

void ComputeLane::close() noexcept {
  ComputePool::State& pool = *pool_->state_;
  std::unique_lock lock(pool.mutex);
  closed_ = true;
  urgent_.clear();
  later_.clear();
  pool.changed.wait(lock, [this] { return running_ == 0; });
}

bool ComputeLane::is_own_thread() const { return working_for == pool_->state_.get(); }

ComputeLane::Stats ComputeLane::stats() const {
  const std::lock_guard lock(pool_->state_->mutex);
  const std::chrono::duration<double> now_denied = Clock::now() - denied_from_;
  const std::chrono::duration<double> denied = denied_time_;
  return {.waiting = waiting(),
          .running = running_,
          .denied_seconds = denied.count() + denied_ * now_denied.count()};
}

}  // namespace headrace
