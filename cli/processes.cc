#include "headrace/cli/processes.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <thread>

#include "headrace/cli/program.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/worker_budget.h"

namespace headrace::cli {

void ProcessOptions::add_to(CLI::App& command, const std::string& logs) {
  command
      .add_option(
          "--communicator", communicator,
          "How processes exchange gradients: mpi; gloo, over TCP; none, each trains alone; auto, "
          "mpi if mpirun has started more than one, gloo if another launcher has (which says so "
          "by RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"auto", "mpi", "gloo", "none"}))
      ->capture_default_str()
      ->group("Machine");
  command
      .add_option("--wire", wire,
                  "What gradients travel in from GPU to GPU: f32, or bf16, which is half as much")
      ->type_name("NAME")
      ->check(CLI::IsMember({"f32", "bf16"}))
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
      .add_option("--ranks", ranks,
                  "Start so many processes on this machine, which train together; each has its "
                  "messages in " +
                      logs)
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->configurable(false)
      ->capture_default_str()
      ->group("Machine");
}

void ProcessOptions::add_restarts_to(CLI::App& command) {
  command
      .add_option("--restarts", restarts,
                  "With --ranks or several --gpus: when a process is lost (killed, or stalled), go "
                  "on from the last "
                  "checkpoint with those that are left, so many times")
      ->type_name("N")
      ->check(CLI::Range(0, 1'000'000))
      ->configurable(false)
      ->capture_default_str()
      ->group("Machine");
}

std::chrono::milliseconds ProcessOptions::timeout() const {
  return std::chrono::milliseconds(static_cast<std::int64_t>(rank_timeout * 1'000));
}

std::unique_ptr<ProcessGroup> join_processes(const ProcessOptions& options) {
  // Processes start, and end, less evenly than they step.
  const auto deadline =
      std::max<std::chrono::milliseconds>(options.timeout(), std::chrono::minutes(1));
  if (options.communicator == "none") return nullptr;
  // A connection to a rank that was killed is an error to be told, not the end of this one.
  std::signal(SIGPIPE, SIG_IGN);
  const auto environment = launch_environment();
  const bool told = environment && environment->world_size > 1;
  if (options.communicator == "gloo" || (options.communicator == "auto" && told)) {
    if (told) return join_gloo(*environment, deadline);
    throw Error(ErrorCode::invalid_argument,
                "--communicator gloo is for processes that a launcher has told RANK, WORLD_SIZE, "
                "MASTER_ADDR and MASTER_PORT: headrace train --ranks N starts such ones here");
  }
  if (options.communicator == "auto" && launched_processes() == 1) return nullptr;
  try {
    return join_mpi(deadline);
  } catch (const Error& error) {
    throw error.with_context(options.communicator == "auto"
                                 ? "mpirun has started several processes, but MPI cannot be "
                                   "joined (--communicator none: each trains alone)"
                                 : "--communicator mpi");
  }
}

CommunicatorFactory communicators_of(ProcessGroup* group, Backend& backend, bool on_gpu,
                                     const ProcessOptions& options) {
  const Wire wire = options.wire == "bf16" ? Wire::bf16 : Wire::f32;
  if (wire == Wire::bf16 && (group == nullptr || !on_gpu)) {
    throw Error(ErrorCode::invalid_argument,
                "--wire bf16 is for gradients between several GPUs (--gpus); those of CPUs, and of "
                "one process, are added up in f32");
  }
  if (group == nullptr) return make_local_communicators;
  return [group, &backend, wire, deadline = options.timeout()](int replicas) {
    auto ranks = group->make_communicators(replicas);
    if (replicas == 1) ranks[0] = backend.connect(std::move(ranks[0]), wire, deadline);
    return ranks;
  };
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
              fmt::format("headrace {} is for one process, and a launcher has started {}: run it "
                          "without mpirun, or the like",
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
