#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/plugin.h"
#include "headrace/pipeline/shard.h"
#include "headrace/train/comm/gloo/interface.h"
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

namespace {

Plugin open_plugin(const std::string& name, int expected) {
  Plugin plugin(name);
  if (plugin.function<int (*)()>((name + "_get_version").c_str())() == expected) return plugin;
  throw Error(ErrorCode::unsupported, "the plugin " + name +
                                          " is of another version: install the one that came "
                                          "with this program");
}

}  // namespace

std::unique_ptr<ProcessGroup> join_mpi(std::chrono::milliseconds deadline) {
  const Plugin plugin = open_plugin("headrace_mpi", headrace_mpi_version);
  const auto open = plugin.function<headrace_mpi_open_function>("headrace_mpi_open");
  return std::make_unique<ProcessGroup>([open] { return std::unique_ptr<Link>(open()); }, deadline);
}

std::unique_ptr<ProcessGroup> join_gloo(const GlooOptions& options,
                                        std::chrono::milliseconds deadline) {
  validate(Shard{.rank = options.process, .world_size = options.processes});
  std::error_code failed;
  std::filesystem::create_directories(options.folder, failed);
  if (!std::filesystem::is_directory(options.folder)) {
    throw Error(ErrorCode::io, options.folder.string() +
                                   ": the folder in which processes are to meet is not there");
  }
  const Plugin plugin = open_plugin("headrace_gloo", headrace_gloo_version);
  const auto open = plugin.function<headrace_gloo_open_function>("headrace_gloo_open");
  return std::make_unique<ProcessGroup>(
      [=] {
        return std::unique_ptr<Link>(open(options.process, options.processes,
                                          options.folder.c_str(),
                                          std::chrono::duration<double>(deadline).count()));
      },
      deadline);
}

}  // namespace headrace
