#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace headrace::cli {

using Json = nlohmann::ordered_json;

// What a run was asked for and what came of it, for run.json. "options" there holds every option
// that had a value, so that `headrace train --config run.json` does the same again.
class RunRecord {
 public:
  RunRecord(const CLI::App& command, const std::string& command_name);

  // Facts beside the options: set("data", {...}).
  void set(const std::string& key, Json value);
  // The options that the run is to be repeated with.
  Json& options() { return json_["options"]; }
  // How it ended: "running", "finished", "interrupted", "failed", with what is to be said of it.
  void set_outcome(std::string_view status, Json details = Json::object());
  // Throws Error{io}.
  void write(const std::filesystem::path& path) const;
  const Json& json() const { return json_; }

 private:
  Json json_;
};

// The options of a command after parsing: by long name, given or default; those without a value
// and those that a configuration cannot hold (--help, --config) are left out.
Json effective_options(const CLI::App& command);

// Host, system, processor, its cores that this process may use, memory.
Json machine_facts();
// Headrace's own version and build, and those of the libraries it runs with.
Json version_facts();

// "2026-03-01T12:00:00Z", now.
std::string utc_time();

}  // namespace headrace::cli
