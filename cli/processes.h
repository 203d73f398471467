#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "headrace/train/process_group.h"
#include "headrace/train/trainer.h"

namespace CLI {
class App;
}

namespace headrace::cli {

// How the processes of one training find each other.
struct ProcessOptions {
  std::string communicator = "auto";
  std::string wire = "f32";
  double rank_timeout = 60;  // seconds
  int ranks = 1;             // processes to start here
  int restarts = 0;

  // `logs` says where messages of ranks go.
  void add_to(CLI::App& command, const std::string& logs);
  // --restarts
  void add_restarts_to(CLI::App& command);
  std::chrono::milliseconds timeout() const;
};

// The processes that this one trains with; null: it trains alone. Throws Error saying what to do.
std::unique_ptr<ProcessGroup> join_processes(const ProcessOptions& options);

// What a Trainer of this backend exchanges gradients by: over the group, or in this process alone.
// Throws Error{invalid_argument} if the wire is not one that gradients go by there.
CommunicatorFactory communicators_of(ProcessGroup* group, Backend& backend, bool on_gpu,
                                     const ProcessOptions& options);

// Runs what this process has to do together with the others. If it fails, it says so, and so do
// they: to be called within the life of the group, whose end then ends all processes.
int run_together(ProcessGroup& group, int replicas, const std::function<int()>& task);

// Throws Error{invalid_argument} if mpirun has started several processes of a command that is for
// one.
void require_one_process(const std::string& command);

// The cores that are this process's own, where all on this machine have as many.
int own_cores(const ProcessGroup& group);

// "2 processes", "8 processes, 4 on this machine".
std::string processes_text(const ProcessGroup& group);

}  // namespace headrace::cli
