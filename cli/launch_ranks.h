#pragma once

#include <filesystem>
#include <vector>

#include "headrace/cli/processes.h"

namespace headrace::cli {

// How many ranks of its own command this process is to start, being none itself: as --ranks says,
// or one for each of several GPUs. 0: it is one, or alone.
// Throws Error{invalid_argument} if a launcher has started ranks already, or the two differ.
int ranks_to_launch(const ProcessOptions& options, const std::vector<int>& gpus);

// Starts them, waits for them, and starts those that are left again as --restarts says. `logs` as
// Job has it. Says what went wrong; returns the exit status.
int launch_ranks(const ProcessOptions& options, int ranks, const std::filesystem::path& logs);

// The same for a command that writes no files: logs are in a folder of their own, which stays, and
// is named, if one fails.
int launch_benchmark(const ProcessOptions& options, int ranks);

}  // namespace headrace::cli
