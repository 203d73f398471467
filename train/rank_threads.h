#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace headrace {

// One thread for each rank but 0, which works on the caller's. They live as long as the object and
// sleep between tasks. Used by one thread at a time.
class RankThreads {
 public:
  explicit RankThreads(int ranks);
  ~RankThreads();
  RankThreads(const RankThreads&) = delete;
  RankThreads& operator=(const RankThreads&) = delete;

  // Runs task(rank) for every rank at once and returns when all have returned; what each threw, by
  // rank, or null. Waits as long as the slowest rank takes: tasks must not wait for ever.
  std::vector<std::exception_ptr> run(const std::function<void(int rank)>& task);

 private:
  void work(int rank);
  void end();

  std::mutex mutex_;
  std::condition_variable task_given_;
  std::condition_variable all_done_;
  const std::function<void(int)>* task_ = nullptr;
  std::uint64_t tasks_given_ = 0;
  int running_ = 0;
  bool ending_ = false;
  std::vector<std::exception_ptr> errors_;  // each rank's own, read when all are done
  std::vector<std::jthread> threads_;
};

}  // namespace headrace
