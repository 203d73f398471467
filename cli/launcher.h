#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "headrace/cli/interrupt.h"

namespace headrace::cli {

// Processes of one job on this machine.
struct Job {
  std::vector<std::string> command;  // of every rank; it finds the others by launch_environment()
  int ranks = 1;
  // What rank 1 and the others say on standard error goes to rank1.log and so on here. Rank 0
  // speaks for all, where this process does.
  std::filesystem::path logs;
  // How long those that are left may take to find out that one is lost, and how long one may be
  // stopped (SIGSTOP) before it is.
  std::chrono::milliseconds rank_timeout{60'000};
  // For a rank to end in, once it has been told to.
  std::chrono::milliseconds grace{8'000};
};

// How it ended. Ranks that are lost ended by a signal that this process did not send, or had to be
// ended because they still ran when the others had given up.
struct JobEnd {
  int exit_status = 0;    // of the first that failed; 0 if none did
  int failed_rank = -1;   // which it was
  std::vector<int> lost;  // ranks, the first to be lost first
  std::string how;        // "rank 2 was killed by signal 9 (Killed)"; empty if all is well
};

// Starts the processes and waits for all of them. A signal to this process is passed on to them.
// Should this process be killed, they are told to stop, as by SIGTERM.
// Throws Error{io} if they cannot be started; none is then left.
JobEnd run_job(const Job& job, Interrupt& interrupt);

// The command that started this process, to start it again by.
std::vector<std::string> own_command();

// To be called first by a process that may be one of a job: it then ends when the launcher does.
void follow_launcher();

}  // namespace headrace::cli
