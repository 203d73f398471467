#pragma once

#include <optional>
#include <string>

namespace headrace {

// What a launcher tells a process by the environment: RANK, WORLD_SIZE, LOCAL_RANK,
// LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as torchrun, `headrace train --ranks` and most
// scripts for Slurm set them.
struct LaunchEnvironment {
  int rank = 0;
  int world_size = 1;
  int local_rank = 0;       // among the processes of this machine; RANK unless it is set
  std::string master_addr;  // where they meet
  int master_port = 29500;
  bool launcher_serves = false;  // there already; else rank 0 is to
};

// Nothing if there is no WORLD_SIZE. Throws Error{invalid_argument} naming the variable that is
// missing, or wrong.
std::optional<LaunchEnvironment> launch_environment();

}  // namespace headrace
