#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "headrace/train/communicator.h"
#include "headrace/train/launch_environment.h"

namespace headrace {

class Exchange;
class Link;

// The processes that train together, seen from one of them. Each has the same number of replicas;
// ranks are numbered by process, then by replica. Operations are carried by a thread of their own,
// so gradients travel while others are still being computed, and are added up in the order of
// ranks: N ranks give the same bits, however many processes they are spread over.
//
// Processes tell each other that they live. One that dies, stops or fails is an error on all
// others, which names it; the group is then of no more use, and its destructor ends the whole job
// with a status other than 0 (under mpirun, by MPI_Abort). A sound group's destructor waits until
// all processes have come to theirs, so that none is ended while it still writes files.
class ProcessGroup {
 public:
  using OpenLink = std::function<std::unique_ptr<Link>()>;

  // Meets all processes. Throws Error{backend} naming one that has not come by the deadline; it is
  // also that of leaving.
  ProcessGroup(OpenLink open, std::chrono::milliseconds deadline);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int process() const;
  int size() const;
  int local_size() const;  // processes on this machine

  // Communicators of this process's replicas, rank process() * replicas + i each; a
  // CommunicatorFactory of a Trainer. They keep what they need of the group alive. All processes
  // make theirs in the same order.
  std::vector<std::unique_ptr<Communicator>> make_communicators(int replicas);

  // Ends with an error on all processes: the others are told why.
  void abort(const char* reason) noexcept;

 private:
  std::shared_ptr<Exchange> exchange_;
};

// How many processes a launcher says it has started this one with: Open MPI's mpirun, Slurm by PMI,
// or what launch_environment() knows; 1 without one.
int launched_processes();
// The number of this process among those of its machine, as they say; 0 without them.
int launched_local_rank();

// The processes of MPI_COMM_WORLD, by the plugin headrace_mpi. MPI is initialised by this and
// finalised by the group's end, so it can be had once in the life of a process.
// Throws Error{unsupported} if the plugin is not there or MPI is in use already.
std::unique_ptr<ProcessGroup> join_mpi(std::chrono::milliseconds deadline);

// Processes over TCP without mpirun, by the plugin headrace_gloo. They meet at `master_addr` and
// `master_port`, where rank 0 listens meanwhile unless the launcher does. Addresses are those of
// the interface GLOO_SOCKET_IFNAME, or of the one that leads to `master_addr`. When such a group
// fails, each process is left to end by itself.
// Throws Error{unsupported} if the plugin is not there, Error{io} if rank 0 cannot listen,
// Error{backend} naming the first rank that has not come by the deadline, or has come twice.
std::unique_ptr<ProcessGroup> join_gloo(const LaunchEnvironment& environment,
                                        std::chrono::milliseconds deadline);

}  // namespace headrace
