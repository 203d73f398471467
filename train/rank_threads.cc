#include "headrace/train/rank_threads.h"

#include <algorithm>

namespace headrace {
namespace {

std::exception_ptr outcome_of(const std::function<void(int)>& task, int rank) {
  try {
    task(rank);
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace

RankThreads::RankThreads(int ranks) : errors_(static_cast<std::size_t>(ranks)) {
  try {
    for (int rank = 1; rank < ranks; ++rank) {
      threads_.emplace_back([this, rank] { work(rank); });
    }
  } catch (...) {
    end();
    throw;
  }
}

RankThreads::~RankThreads() { end(); }

void RankThreads::end() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  task_given_.notify_all();
}

std::vector<std::exception_ptr> RankThreads::run(const std::function<void(int)>& task) {
  std::vector<std::exception_ptr> errors(errors_.size());
  {
    const std::lock_guard lock(mutex_);
    task_ = &task;
    ++tasks_given_;
    running_ = static_cast<int>(threads_.size());
  }
  task_given_.notify_all();
  errors_[0] = outcome_of(task, 0);
  std::unique_lock lock(mutex_);
  all_done_.wait(lock, [&] { return running_ == 0; });
  task_ = nullptr;
  errors.swap(errors_);
  return errors;
}

void RankThreads::work(int rank) {
  std::unique_lock lock(mutex_);
  for (std::uint64_t done = 0;; ++done) {
    task_given_.wait(lock, [&] { return ending_ || tasks_given_ > done; });
    if (ending_) return;
    const auto& task = *task_;
    lock.unlock();
    std::exception_ptr error = outcome_of(task, rank);
    lock.lock();
    errors_[static_cast<std::size_t>(rank)] = std::move(error);
    if (--running_ == 0) all_done_.notify_one();
  }
}

}  // namespace headrace
