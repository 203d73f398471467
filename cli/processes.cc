#include "headrace/cli/processes.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <thread>

#include "headrace/cli/loading_options.h"
#include "headrace/cli/program.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/worker_budget.h"

namespace headrace::cli {

void ProcessOptions::add_to(CLI::App& command) {
  command
      .add_option(
          "--communicator", communicator,
          "How processes exchange gradients: mpi; gloo, over TCP without mpirun; none, each "
          "trains alone; auto, mpi if mpirun has started more than one")
      ->type_name("NAME")
      ->check(CLI::IsMember({"auto", "mpi", "gloo", "none"}))
      ->capture_default_str()
      ->group("Machine");
  command
      .add_option("--rank-timeout", rank_timeout,
                  "How many seconds ranks wait for one that is late, before they end with an "
                  "error that names it")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str()
      ->group("Machine");
  command
      .add_option("--process", process,
                  "With gloo: the number of this process, and how many there are, as 0/2")
      ->type_name("N/COUNT")
      ->configurable(false)
      ->group("Machine");
  command
      .add_option("--meet", meet,
                  "With gloo: a new folder that all processes reach, by which they find each other")
      ->type_name("DIR")
      ->configurable(false)
      ->group("Machine");
}

std::chrono::milliseconds ProcessOptions::timeout() const {
  return std::chrono::milliseconds(static_cast<std::int64_t>(rank_timeout * 1'000));
}

std::unique_ptr<ProcessGroup> join_processes(const ProcessOptions& options) {
  // Processes start, and end, less evenly than they step.
  const auto deadline =
      std::max<std::chrono::milliseconds>(options.timeout(), std::chrono::minutes(1));
  const bool by_gloo = options.communicator == "gloo";
  if (by_gloo == options.process.empty() || by_gloo == options.meet.empty())
    throw Error(ErrorCode::invalid_argument,
                by_gloo ? "--communicator gloo needs --process N/COUNT and --meet DIR"
                        : "--process and --meet are for --communicator gloo");
  if (by_gloo) {
    const Shard all = parse_shard(options.process);
    return join_gloo({.process = all.rank, .processes = all.world_size, .folder = options.meet},
                     deadline);
  }
  const bool launched = launched_processes() > 1;
  if (options.communicator == "none" || (options.communicator == "auto" && !launched))
    return nullptr;
  try {
    return join_mpi(deadline);
  } catch (const Error& error) {
    throw error.with_context(options.communicator == "auto"
                                 ? "mpirun has started several processes, but MPI cannot be "
                                   "joined (--communicator none: each trains alone)"
                                 : "--communicator mpi");
  }
}

CommunicatorFactory communicators_of(ProcessGroup* group) {
  if (group == nullptr) return make_local_communicators;
  return [group](int replicas) { return group->make_communicators(replicas); };
}

int run_together(ProcessGroup& group, int replicas, const std::function<int()>& task) {
  try {
    return task();
  } catch (const std::exception& error) {
    const std::string who = fmt::format("rank {}", group.process() * replicas);
    complain(fmt::format("{}: {}", who, error.what()));
    group.abort(fmt::format("{} failed: {}", who, error.what()).c_str());
    return exit_failed;
  }
}

void require_one_process(const std::string& command) {
  if (launched_processes() == 1) return;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("headrace {} is for one process, and mpirun has started {}: run it "
                          "without mpirun",
                          command, launched_processes()));
}

int own_cores(const ProcessGroup& group) {
  // mpirun binds processes to cores of their own, or lets all run on all.
  const int all = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, std::min(usable_cores(), all / group.local_size()));
}

std::string processes_text(const ProcessGroup& group) {
  if (group.local_size() == group.size()) return fmt::format("{} processes", group.size());
  return fmt::format("{} processes, {} on this machine", group.size(), group.local_size());
}

}  // namespace headrace::cli
