#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace headrace::cli {

// Options by their long names without dashes, in the order of the file. A list gives a name more
// than once; a flag has the value "true" or "false".
using OptionList = std::vector<std::pair<std::string, std::string>>;

// The options for `command` ("train", "bench loader") that a file gives:
// - TOML: `name = value` lines; those in a table [train] or [bench.loader] are for that command
//   alone, and go before those outside;
// - JSON, such as a run's run.json: the object "options", or the whole if there is none.
// Throws Error{io} or Error{corrupt_data} naming the file and the line.
OptionList read_config(const std::filesystem::path& path, const std::string& command);

// `arguments` (those after the command's name) with the options of the file given by their
// `--config` put before them, so that what stands on the command line goes before the file.
// Throws Error as read_config() does, and Error{invalid_argument} naming the file if it gives an
// option that the command does not have.
std::vector<std::string> with_config(const CLI::App& command, const std::string& command_name,
                                     const std::vector<std::string>& arguments);

// The value of the last `--name value` or `--name=value` among arguments that are not parsed yet;
// "" if there is none.
std::string last_value(const std::vector<std::string>& arguments, const std::string& option);

// `arguments` with `options` put before them, those left out that they give themselves. `origin`
// is named in the Error{invalid_argument} about an option that the command does not have.
std::vector<std::string> with_options(const CLI::App& command, const OptionList& options,
                                      const std::string& origin,
                                      const std::vector<std::string>& arguments);

}  // namespace headrace::cli
