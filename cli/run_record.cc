#include "headrace/cli/run_record.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>

#include "headrace/cli/versions.h"
#include "headrace/pipeline/atomic_file.h"

namespace headrace::cli {
namespace {

// Text that is a number or a truth value becomes one if it reads back to the same text.
Json typed(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  const Json value = Json::parse(text, nullptr, false);
  if (value.is_number() && value.dump() == text) return value;
  return text;
}

Json option_value(const CLI::Option& option) {
  const bool is_flag = option.get_expected_max() == 0;
  if (option.count() == 0) {
    if (is_flag) return false;
    return option.get_default_str().empty() ? Json() : typed(option.get_default_str());
  }
  if (is_flag) return option.as<bool>();
  if (option.get_expected_max() <= 1 || option.results().size() == 1)
    return typed(option.reduced_results().back());
  Json list = Json::array();
  for (const std::string& text : option.results()) list.push_back(typed(text));
  return list;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos)
      return line.substr(colon + 2);
  }
  return "unknown";
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
}

}  // namespace

Json effective_options(const CLI::App& command) {
  Json options = Json::object();
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_configurable() || option->get_lnames().empty()) continue;
    Json value = option_value(*option);
    if (!value.is_null()) options[option->get_lnames().front()] = std::move(value);
  }
  return options;
}

Json machine_facts() {
  utsname system{};
  ::uname(&system);
  struct sysinfo memory {};
  ::sysinfo(&memory);
  const auto bytes = static_cast<std::uint64_t>(memory.totalram) * memory.mem_unit;
  return {{"host", system.nodename},
          {"system", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
          {"processor", processor_name()},
          {"cores", usable_cores()},
          {"memory_bytes", bytes}};
}

Json version_facts() {
  Json facts = {{"headrace", headrace_version()}, {"build", build_description()}};
  for (const LibraryVersion& library : library_versions()) facts[library.name] = library.version;
  return facts;
}

std::string utc_time() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

RunRecord::RunRecord(const CLI::App& command, const std::string& command_name) {
  json_["command"] = command_name;
  json_["options"] = effective_options(command);
  json_["working_directory"] = std::filesystem::current_path().string();
  json_["started"] = utc_time();
  json_["versions"] = version_facts();
  json_["machine"] = machine_facts();
  set_outcome("running");
}

void RunRecord::set(const std::string& key, Json value) { json_[key] = std::move(value); }

void RunRecord::set_outcome(std::string_view status, Json details) {
  Json outcome = {{"status", status}};
  if (status != "running") outcome["ended"] = utc_time();
  outcome.update(details);
  json_["outcome"] = std::move(outcome);
}

void RunRecord::write(const std::filesystem::path& path) const {
  write_file(path, json_.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace headrace::cli
