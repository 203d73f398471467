#include "headrace/cli/model_options.h"

#include <CLI/CLI.hpp>

#include "headrace/cli/backend_choice.h"
#include "headrace/cli/common_options.h"

namespace headrace::cli {

void ModelOptions::add_to(CLI::App& command) {
  command
      .add_option("--model,--checkpoint", model,
                  "The trained model: a model.safetensors of "
                  "headrace train, which knows how to prepare images for it")
      ->type_name("FILE")
      ->required()
      ->group("Model");
  add_batch_size(command, batch_size, "Images computed at once", "Machine");
  add_compute_threads(command, threads, "compute");
  add_gpus(command, gpus, GpusOf::one_process);
  LoadingOptions::Wording wording;
  wording.many_epochs = false;
  loading.add_to(command, wording);
  add_json(command, json);
}

}  // namespace headrace::cli
