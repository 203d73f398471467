#include "headrace/cli/info_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "headrace/cli/run_record.h"
#include "headrace/cli/versions.h"
#include "headrace/train/gpu_devices.h"
#include "headrace/train/models/model_registry.h"

namespace headrace::cli {
namespace {

constexpr const char* example = "  headrace info --json";

// The plugins that lie where they are looked for first: $HEADRACE_PLUGIN_DIR, or beside the
// program.
std::vector<std::string> plugins() {
  std::error_code none;
  const char* own = std::getenv("HEADRACE_PLUGIN_DIR");
  const std::filesystem::path folder =
      own != nullptr
          ? std::filesystem::path(own)
          : std::filesystem::read_symlink("/proc/self/exe", none).parent_path() / "../lib/headrace";
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (entry.path().extension() == ".so") found.push_back(entry.path().stem().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Json gather() {
  Json info = {{"version", headrace_version()}, {"build", build_description()}};
  for (const LibraryVersion& library : library_versions())
    info["libraries"][library.name] = library.version;
  for (const GpuLibrary& library : gpu_libraries())
    info["libraries"][library.name] = library.version;
  info["machine"] = machine_facts();
  info["machine"]["cpu_features"] = cpu_features();
  const GpuDevices gpus = gpu_devices();
  info["gpus"] = Json::array();
  for (const GpuDevice& gpu : gpus.devices) {
    info["gpus"].push_back(
        {{"name", gpu.name},
         {"memory_bytes", gpu.memory_bytes},
         {"compute", fmt::format("{}.{}", gpu.compute_major, gpu.compute_minor)}});
  }
  if (gpus.devices.empty()) info["no_gpu_because"] = gpus.reason;
  info["models"] = model_names();
  info["plugins"] = plugins();
  return info;
}

void print_row(std::string_view name, std::string_view value) {
  fmt::print("{:<12} {}\n", name, value);
}

std::string gigabytes(const Json& bytes) {
  return fmt::format("{:.1f} GB", bytes.get<double>() / 1e9);
}

std::string listed(const Json& names, std::string_view otherwise) {
  const auto list = names.get<std::vector<std::string>>();
  return list.empty() ? std::string(otherwise) : fmt::format("{}", fmt::join(list, ", "));
}

void print_text(const Json& info) {
  fmt::print("headrace {} ({})\n", info["version"].get<std::string>(),
             info["build"].get<std::string>());
  const Json& machine = info["machine"];
  print_row("processor",
            fmt::format("{}, {} cores usable, {}", machine["processor"].get<std::string>(),
                        machine["cores"].get<int>(),
                        listed(machine["cpu_features"], "no vector extensions")));
  print_row("memory", gigabytes(machine["memory_bytes"]));
  print_row("system", machine["system"].get<std::string>());
  for (const Json& gpu : info["gpus"]) {
    print_row("gpu",
              fmt::format("{}, {}, compute capability {}", gpu["name"].get<std::string>(),
                          gigabytes(gpu["memory_bytes"]), gpu["compute"].get<std::string>()));
  }
  if (info.contains("no_gpu_because"))
    print_row("gpu", "none: " + info["no_gpu_because"].get<std::string>());
  std::vector<std::string> libraries;
  for (const auto& [name, version] : info["libraries"].items())
    libraries.push_back(name + " " + version.get<std::string>());
  const auto half = libraries.begin() + static_cast<std::ptrdiff_t>(libraries.size() / 2);
  print_row("libraries", fmt::format("{}", fmt::join(libraries.begin(), half, ", ")));
  print_row("", fmt::format("{}", fmt::join(half, libraries.end(), ", ")));
  print_row("models", listed(info["models"], "none"));
  print_row("plugins", listed(info["plugins"], "none found"));
}

}  // namespace

Command make_info_command(CLI::App& program) {
  Command command;
  command.name = "info";
  command.app =
      add_command(program, command.name, "Version, machine, devices, libraries, plugins", example);
  auto json = std::make_shared<bool>(false);
  command.app->add_flag("--json", *json, "The same as one JSON object")->configurable(false);
  command.run = [json] {
    const Json info = gather();
    if (*json) {
      fmt::print("{}\n", info.dump());
    } else {
      print_text(info);
    }
    return exit_done;
  };
  return command;
}

}  // namespace headrace::cli
