#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <string>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/plugin.h"
#include "headrace/train/comm/gloo/interface.h"
#include "headrace/train/comm/mpi/interface.h"
#include "headrace/train/comm/rendezvous.h"
#include "headrace/train/process_group.h"

namespace headrace {

namespace {

// The first of these variables that is set to a number of at least that much.
std::optional<int> number_of(std::initializer_list<const char*> names, long least) {
  for (const char* name : names) {
    const char* const text = std::getenv(name);
    if (text == nullptr) continue;
    char* end = nullptr;
    const long value = std::strtol(text, &end, 10);
    if (end != text && value >= least && value < 1'000'000) return static_cast<int>(value);
  }
  return std::nullopt;
}

}  // namespace

int launched_processes() {
  if (const auto size = number_of({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}, 1)) return *size;
  const auto environment = launch_environment();
  return environment ? environment->world_size : 1;
}

int launched_local_rank() {
  const auto rank =
      number_of({"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "PMI_LOCAL_RANK"}, 0);
  if (rank) return *rank;
  const auto environment = launch_environment();
  return environment ? environment->local_rank : 0;
}

namespace {

Plugin open_plugin(const std::string& name, int expected) {
  Plugin plugin(name);
  if (plugin.function<int (*)()>((name + "_get_version").c_str())() == expected) return plugin;
  throw Error(ErrorCode::unsupported, "the plugin " + name +
                                          " is of another version: install the one that came "
                                          "with this program");
}

// Where all processes have come to, each with its rank.
class Meeting {
 public:
  Meeting(const LaunchEnvironment& own, std::chrono::milliseconds deadline) {
    using Clock = std::chrono::steady_clock;
    const auto until = Clock::now() + deadline;
    if (own.rank == 0 && !own.launcher_serves) {
      try {
        server_ = std::make_unique<RendezvousServer>("", own.master_port);
      } catch (const Error& error) {
        throw error.with_context("MASTER_PORT");
      }
    }
    client_ = std::make_unique<RendezvousClient>(own.master_addr, own.master_port, deadline);
    const auto name = [](int rank) { return "rank " + std::to_string(rank); };
    client_->set(name(own.rank), "");
    for (int rank = 0; rank < own.world_size; ++rank) {
      const auto left = std::max(until - Clock::now(), Clock::duration(std::chrono::seconds(1)));
      client_->get(name(rank), std::chrono::duration_cast<std::chrono::milliseconds>(left));
    }
  }

  KeyValueStore& store() { return *client_; }
  std::string address() const { return client_->local_address(); }

 private:
  std::unique_ptr<RendezvousServer> server_;
  std::unique_ptr<RendezvousClient> client_;
};

}  // namespace

std::unique_ptr<ProcessGroup> join_mpi(std::chrono::milliseconds deadline) {
  const Plugin plugin = open_plugin("headrace_mpi", headrace_mpi_version);
  const auto open = plugin.function<headrace_mpi_open_function>("headrace_mpi_open");
  return std::make_unique<ProcessGroup>([open] { return std::unique_ptr<Link>(open()); }, deadline);
}

std::unique_ptr<ProcessGroup> join_gloo(const LaunchEnvironment& environment,
                                        std::chrono::milliseconds deadline) {
  const Plugin plugin = open_plugin("headrace_gloo", headrace_gloo_version);
  const auto open = plugin.function<headrace_gloo_open_function>("headrace_gloo_open");
  const auto meeting = std::make_shared<Meeting>(environment, deadline);
  return std::make_unique<ProcessGroup>(
      [=] {
        return std::unique_ptr<Link>(open(environment.rank, environment.world_size,
                                          meeting->store(), meeting->address().c_str(),
                                          std::chrono::duration<double>(deadline).count()));
      },
      deadline);
}

}  // namespace headrace
