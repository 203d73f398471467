#include "headrace/pipeline/read_pool.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace headrace {
namespace {

// Announcements that may run ahead. So many in a row that were needless end them, until a chunk is
// missed again.
constexpr std::size_t most_spans = 64;

}  // namespace

ReadPool::ReadPool(const SampleReader& reader, int threads, std::size_t most_bytes, Client& client,
                   const std::atomic<bool>& cancelled)
    : reader_(reader),
      thread_count_(threads),
      most_bytes_(most_bytes),
      client_(client),
      cancelled_(cancelled) {}

ReadPool::~ReadPool() { stop(); }

void ReadPool::stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    queue_.clear();
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void ReadPool::start() {
  threads_.reserve(static_cast<std::size_t>(thread_count_));
  while (static_cast<int>(threads_.size()) < thread_count_) {
    try {
      threads_.emplace_back([this] { run(); });
    } catch (...) {
      if (threads_.empty()) throw;  // else: fewer will do
      break;
    }
  }
}

void ReadPool::read(const Task& task) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    if (threads_.empty()) start();
    queue_.push_back(task);
    if (task.generation == generation_) {
      frontier_ = {task.place.batch, task.place.row + task.count};
      needless_ = 0;
      first = !ahead_.exchange(true);
    }
  }
  if (first) {
    wake_.notify_all();
  } else {
    wake_.notify_one();
  }
}

void ReadPool::release(std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    held_bytes_ -= bytes;
  }
  wake_.notify_one();
}

void ReadPool::restart(std::uint64_t generation) {
  std::deque<Task> unwanted;
  {
    const std::lock_guard lock(mutex_);
    generation_ = generation;
    ahead_ = false;
    frontier_ = {};
    announced_to_ = {};
    all_announced_ = false;
    announced_bytes_ = 0;
    spans_passed_ += spans_.size();
    spans_.clear();
    unwanted.swap(queue_);
  }
  for (const Task& task : unwanted) client_.take(task, {});
}

void ReadPool::move_frontier(std::uint64_t generation, Place place) {
  {
    const std::lock_guard lock(mutex_);
    if (generation != generation_ || place <= frontier_) return;
    frontier_ = place;
    while (!spans_.empty() && spans_.front().end <= frontier_) {
      announced_bytes_ -= spans_.front().bytes;
      spans_.pop_front();
      ++spans_passed_;
    }
  }
  wake_.notify_one();
}

bool ReadPool::may_read() const {
  if (queue_.empty()) return false;
  if (reading_ == 0 && held_bytes_ == 0) return true;
  const std::size_t expected = static_cast<std::size_t>(reading_ + 1) * chunk_bytes_;
  return held_bytes_ + expected <= most_bytes_;
}

bool ReadPool::may_announce() const {
  return ahead_.load(std::memory_order_relaxed) && !all_announced_ && spans_.size() < most_spans &&
         announced_bytes_ < most_bytes_;
}

void ReadPool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopped_ || may_read() || may_announce(); });
    if (stopped_) return;
    if (may_read()) {
      read_next(lock);
    } else {
      announce_next(lock);
    }
  }
}

void ReadPool::read_next(std::unique_lock<std::mutex>& lock) {
  const Task task = queue_.front();
  queue_.pop_front();
  ++reading_;
  lock.unlock();
  Result result;
  result.pool_ = this;
  const auto start = std::chrono::steady_clock::now();
  if (client_.is_wanted(task)) {
    try {
      result.samples = reader_.load(task.place.batch.epoch, task.first, task.count, cancelled_);
      if (result.samples != nullptr) result.bytes_ = result.samples->bytes();
    } catch (...) {
      result.error = std::current_exception();
    }
  }
  const std::size_t bytes = result.bytes_;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  lock.lock();
  --reading_;
  held_bytes_ += bytes;
  chunk_bytes_ = std::max(chunk_bytes_, bytes);
  stats_.peak_bytes = std::max(stats_.peak_bytes, held_bytes_);
  stats_.busy_seconds += took.count();
  if (bytes > 0) stats_.samples += task.count;
  const bool stopped = stopped_;
  lock.unlock();
  if (stopped) {
    result = {};
  } else {
    client_.take(task, std::move(result));
  }
  lock.lock();
}

void ReadPool::announce_next(std::unique_lock<std::mutex>& lock) {
  const Piece piece = client_.piece_at(std::max(announced_to_, frontier_));
  if (piece.count == 0) {
    all_announced_ = true;
    return;
  }
  announced_to_ = piece.end;
  const std::uint64_t number = spans_passed_ + spans_.size();
  spans_.push_back({piece.end, 0});
  lock.unlock();
  std::size_t bytes = 0;
  try {
    bytes = reader_.will_need(piece.epoch, piece.first, piece.count);
  } catch (...) {
    bytes = 0;  // what is wrong with these samples is told when they are read
  }
  lock.lock();
  if (number >= spans_passed_) {
    spans_[static_cast<std::size_t>(number - spans_passed_)].bytes = bytes;
    announced_bytes_ += bytes;
  }
  needless_ = bytes == 0 ? needless_ + 1 : 0;
  if (needless_ >= static_cast<int>(most_spans)) ahead_ = false;
}

ReadPool::Stats ReadPool::stats() const {
  const std::lock_guard lock(mutex_);
  Stats stats = stats_;
  stats.queued = static_cast<int>(queue_.size());
  return stats;
}

}  // namespace headrace
