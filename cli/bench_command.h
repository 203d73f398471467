#pragma once

#include <vector>

#include "headrace/cli/program.h"

namespace headrace::cli {

// headrace bench loader, headrace bench train: how fast each is on its own; headrace bench feed:
// how they do together; headrace bench exchange: how fast processes add up gradients.
std::vector<Command> make_bench_commands(CLI::App& program);

// Each is in a file of its own; `group` is the command "bench".
Command make_bench_loader_command(CLI::App& group);
Command make_bench_train_command(CLI::App& group);
Command make_bench_feed_command(CLI::App& group);
Command make_bench_exchange_command(CLI::App& group);

}  // namespace headrace::cli
