#include "headrace/cli/launch_ranks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "headrace/cli/launcher.h"
#include "headrace/cli/program.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

std::vector<std::string> resumed(std::vector<std::string> command) {
  command.erase(std::remove(command.begin(), command.end(), "--overwrite"), command.end());
  if (std::find(command.begin(), command.end(), "--resume") == command.end())
    command.emplace_back("--resume");
  return command;
}

}  // namespace

int ranks_to_launch(const ProcessOptions& options, const std::vector<int>& gpus) {
  const auto environment = launch_environment();
  if (environment && environment->launcher_serves) return 0;
  if (launched_processes() > 1) {
    if (options.ranks == 1) return 0;
    throw Error(ErrorCode::invalid_argument,
                "--ranks starts processes, and a launcher has done so already: leave one of the "
                "two out");
  }
  const int of_gpus = std::max(1, static_cast<int>(gpus.size()));
  if (options.ranks > 1 && of_gpus > 1 && options.ranks != of_gpus) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("--ranks {} on {} GPUs: each GPU has one process; leave --ranks out",
                            options.ranks, of_gpus));
  }
  const int ranks = std::max(options.ranks, of_gpus);
  return ranks > 1 ? ranks : 0;
}

int launch_ranks(const ProcessOptions& options, int ranks, const std::filesystem::path& logs) {
  Interrupt interrupt;
  Job job{
      .command = own_command(), .ranks = ranks, .logs = logs, .rank_timeout = options.timeout()};
  for (int restarts = 0;; ++restarts) {
    const JobEnd end = run_job(job, interrupt);
    if (end.exit_status == 0) return exit_done;
    if (interrupt.requested()) return interrupt.exit_status();
    const int left = job.ranks - static_cast<int>(end.lost.size());
    if (end.lost.empty() || left < 1 || restarts == options.restarts) {
      const auto log = job.logs / fmt::format("rank{}.log", end.failed_rank);
      complain(end.failed_rank > 0 ? fmt::format("{}: see {}", end.how, log.string()) : end.how);
      return exit_failed;
    }
    warn(fmt::format("{}: going on from the last checkpoint with {} of {} ranks", end.how, left,
                     job.ranks));
    job.ranks = left;
    job.command = resumed(job.command);
  }
}

int launch_benchmark(const ProcessOptions& options, int ranks) {
  const auto logs =
      std::filesystem::temp_directory_path() / fmt::format("headrace-bench-{}", ::getpid());
  const int status = launch_ranks(options, ranks, logs);
  std::error_code none;
  if (status != exit_failed) std::filesystem::remove_all(logs, none);
  return status;
}

}  // namespace headrace::cli
