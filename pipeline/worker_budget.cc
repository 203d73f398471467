#include "headrace/pipeline/worker_budget.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>

#include <mutex>

#include "headrace/pipeline/cpu_list.h"

namespace headrace {

// oneTBB takes the lowest of all controls, so loaders cannot each hold their own: there is one for
// the process, replaced when the sum changes.
struct WorkerBudget::Process {
  std::mutex mutex;
  int threads = 0;
  std::unique_ptr<tbb::global_control> control;

  void change(int by) {
    const std::lock_guard lock(mutex);
    threads += by;
    // What the program would have without us stays for its own arenas.
    const int limit = tbb::info::default_concurrency() + threads;
    std::unique_ptr<tbb::global_control> next;
    if (threads > 0) {
      next = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                   static_cast<std::size_t>(limit));
    }
    control = std::move(next);
  }
};

std::shared_ptr<WorkerBudget::Process> WorkerBudget::process() {
  static const auto shared = std::make_shared<Process>();
  return shared;
}

WorkerBudget::WorkerBudget(int threads) : process_(process()), threads_(threads) {
  process_->change(threads_);
}

WorkerBudget::~WorkerBudget() { process_->change(-threads_); }

int usable_cores() { return static_cast<int>(usable_cpus().size()); }

}  // namespace headrace
