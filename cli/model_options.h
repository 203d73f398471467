#pragma once

#include <cstdint>
#include <string>

#include "headrace/cli/loading_options.h"

namespace CLI {
class App;
}

namespace headrace::cli {

// Which trained model, on how much machine: what evaluate and predict have in common.
struct ModelOptions {
  std::string model;
  std::int64_t batch_size = 128;
  int threads = 0;
  std::string gpus = "0";
  LoadingOptions loading;
  bool json = false;

  void add_to(CLI::App& command);
};

}  // namespace headrace::cli
