#pragma once

#include <memory>

namespace headrace {

// A share of oneTBB's worker threads, held as long as the object lives. oneTBB gives a process one
// worker fewer than it has cores, all task arenas together, unless it is told otherwise; this
// tells it to have `threads` more for each share that is held. A lower limit set by the program
// itself (tbb::global_control) still holds.
class WorkerBudget {
 public:
  explicit WorkerBudget(int threads);
  ~WorkerBudget();
  WorkerBudget(const WorkerBudget&) = delete;
  WorkerBudget& operator=(const WorkerBudget&) = delete;

 private:
  struct Process;
  static std::shared_ptr<Process> process();

  std::shared_ptr<Process> process_;
  int threads_;
};

// Cores that this process may run on.
int usable_cores();

}  // namespace headrace
