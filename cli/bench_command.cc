#include "headrace/cli/bench_command.h"

#include <CLI/CLI.hpp>

namespace headrace::cli {

std::vector<Command> make_bench_commands(CLI::App& program) {
  CLI::App* group = program.add_subcommand(
      "bench", "How fast the loader and the trainer are, alone and together");
  group->require_subcommand(1);
  std::vector<Command> commands;
  commands.push_back(make_bench_loader_command(*group));
  commands.push_back(make_bench_train_command(*group));
  commands.push_back(make_bench_feed_command(*group));
  commands.push_back(make_bench_exchange_command(*group));
  return commands;
}

}  // namespace headrace::cli
