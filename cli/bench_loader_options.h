#pragma once

#include <cstdint>
#include <string>

#include "headrace/cli/emulation.h"
#include "headrace/cli/loading_options.h"
#include "headrace/cli/recipe_options.h"

namespace headrace::cli {

// What `headrace bench loader` is asked for.
struct BenchLoaderOptions {
  std::string data;
  std::string root;
  std::string image_size;
  RecipeOptions recipe;
  std::int64_t batch_size = 128;
  std::uint64_t epochs = 2;
  std::uint64_t seed = 0;
  LoadingOptions loading;
  ShardOptions shard;
  Emulation emulation;  // seconds 0: not asked for
  bool fingerprint = false;
  bool json = false;

  // Adds the command with its options.
  CLI::App* add_command_to(CLI::App& group);
};

}  // namespace headrace::cli
