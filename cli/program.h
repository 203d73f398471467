#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace headrace::cli {

// Exit statuses: those of a run that a signal stopped are 128 + its number.
constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

// A command of the program, as its file pair describes it.
struct Command {
  std::string name;  // "train", "bench loader"
  CLI::App* app = nullptr;
  // Does the work after the options were read; returns the exit status. Throws Error.
  std::function<int()> run;
  // A file of options that are taken where neither the command line nor --config gives them, found
  // by looking at the arguments; "" for none.
  std::function<std::string(const std::vector<std::string>& arguments)> remembered_options;
};

// Adds a command, with the options that all have, to the program or to one of its groups.
CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& description,
                      const std::string& example);

// The whole program: reads the command line (without the program's own name), does what it says.
// Errors become one line on standard error and an exit status.
int run_program(const std::vector<std::string>& arguments);

}  // namespace headrace::cli
