#include "headrace/cli/model_options.h"

#include <CLI/CLI.hpp>

namespace headrace::cli {

void ModelOptions::add_to(CLI::App& command) {
  command
      .add_option("--model,--checkpoint", model,
                  "The trained model: a model.safetensors of "
                  "headrace train, which knows how to prepare images for it")
      ->type_name("FILE")
      ->required()
      ->group("Model");
  command.add_option("--batch-size", batch_size, "Images computed at once")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group("Machine");
  command.add_option("--threads", threads, "Threads that compute; 0: one for each core")
      ->type_name("N")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group("Machine");
  LoadingOptions::Wording wording;
  wording.shuffles = false;
  loading.add_to(command, wording);
  command.add_flag("--json", json, "The result as one JSON object on standard output")
      ->configurable(false)
      ->group("Output");
}

}  // namespace headrace::cli
