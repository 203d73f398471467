#include "headrace/cli/evaluate_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>

#include "headrace/cli/image_data.h"
#include "headrace/cli/model_file.h"
#include "headrace/cli/model_options.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/run_record.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/loader.h"

namespace headrace::cli {
namespace {

constexpr const char* example = "  headrace evaluate --model run/model.safetensors --data test.csv";

struct EvaluateOptions {
  ModelOptions model;
  std::string data;
  std::string root;
};

LoaderOptions one_epoch(const ModelOptions& options) {
  LoaderOptions loader;
  loader.batch_size = options.batch_size;
  loader.threads = options.loader_threads;
  loader.epochs = 1;
  return loader;
}

int evaluate(const EvaluateOptions& options) {
  TrainedModel model(options.model.model, options.model.batch_size, options.model.threads);
  const ImageData data = open_images(options.data, options.root, model.classes());
  require_labels(data);
  const auto start = std::chrono::steady_clock::now();
  ImageSequenceOptions in_order;
  in_order.shuffle = Shuffle::none;
  Loader loader(make_sequence(data, model.recipe(), in_order), one_epoch(options.model));
  {
    CountReport progress(Terminal::standard_error(), "evaluating", data.size());
    std::int64_t done = 0;
    while (const auto batch = loader.next()) {
      model.evaluate(*batch);
      progress.update(done += batch->size());
    }
  }
  const MetricSums sums = model.sums();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (options.model.json) {
    const Json result = {{"loss", sums.mean_loss()},
                         {"accuracy", sums.accuracy()},
                         {"images", data.size()},
                         {"seconds", seconds.count()}};
    fmt::print("{}\n", result.dump());
  } else {
    fmt::print("loss {:.4f}, accuracy {:.4f} on {} images in {}\n", sums.mean_loss(),
               sums.accuracy(), with_commas(data.size()), duration(seconds.count()));
  }
  return exit_done;
}

}  // namespace

Command make_evaluate_command(CLI::App& program) {
  Command command;
  command.name = "evaluate";
  command.app = add_command(program, command.name,
                            "Loss and accuracy of a trained model on labelled images", example);
  auto options = std::make_shared<EvaluateOptions>();
  command.app->add_option("--data", options->data, "Labelled images; classes as the model's")
      ->type_name("PATH")
      ->required()
      ->group("Data");
  command.app->add_option("--root", options->root, "What the paths in a list are relative to")
      ->type_name("DIR")
      ->group("Data");
  options->model.add_to(*command.app);
  command.run = [options] { return evaluate(*options); };
  return command;
}

}  // namespace headrace::cli
