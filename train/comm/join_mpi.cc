#include <cstdlib>
#include <string>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/plugin.h"
#include "headrace/train/comm/mpi/interface.h"
#include "headrace/train/process_group.h"

namespace headrace {

int launched_processes() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    const char* const text = std::getenv(name);
    if (text == nullptr) continue;
    const long count = std::strtol(text, nullptr, 10);
    if (count > 0 && count < 1'000'000) return static_cast<int>(count);
  }
  return 1;
}

std::unique_ptr<ProcessGroup> join_mpi(std::chrono::milliseconds deadline) {
  const Plugin plugin("headrace_mpi");
  const auto version =
      plugin.function<headrace_mpi_get_version_function>("headrace_mpi_get_version");
  if (version() != headrace_mpi_version) {
    throw Error(ErrorCode::unsupported,
                "the plugin headrace_mpi is of another version: install the one that came with "
                "this program");
  }
  const auto open = plugin.function<headrace_mpi_open_function>("headrace_mpi_open");
  return std::make_unique<ProcessGroup>([open] { return std::unique_ptr<Link>(open()); }, deadline);
}

}  // namespace headrace
