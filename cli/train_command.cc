#include "headrace/cli/train_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "headrace/cli/backend_choice.h"
#include "headrace/cli/config_file.h"
#include "headrace/cli/image_data.h"
#include "headrace/cli/launch_ranks.h"
#include "headrace/cli/launcher.h"
#include "headrace/cli/model_choice.h"
#include "headrace/cli/processes.h"
#include "headrace/cli/terminal.h"
#include "headrace/cli/train_options.h"
#include "headrace/cli/training_run.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/gpu_devices.h"
#include "headrace/train/keras_json.h"
#include "headrace/train/placement.h"

namespace headrace::cli {
namespace {

constexpr const char* example =
    "  headrace train --data train.csv --val test.csv --model mnist_cnn --epochs 5 \\\n"
    "    --batch-size 128 --width-shift 0.05 --horizontal-flip --mean pixel --out run\n"
    "The first Ctrl-C stops after saving what --resume needs (exit status 130; 143 for SIGTERM),\n"
    "a second one ends at once. The same again: headrace train --config run/run.json --out again";

Graph model_for_data(const TrainOptions& options) {
  const ImageData data = open_images(options.data, options.root);
  require_labels(data);
  ImageShape shape = input_size(options.model, natural_shape(data));
  if (!options.image_size.empty()) shape = parse_image_size(options.image_size, shape);
  return choose_model(options.model, shape, static_cast<int>(data.classes().size()));
}

int show_model(const TrainOptions& options) {
  const Graph graph =
      placed(options.data.empty() ? choose_model(options.model, options.image_size, options.classes)
                                  : model_for_data(options),
             options.placement, options.micro_batches);
  const std::string name = std::filesystem::path(options.model).stem().string();
  const std::string text = options.json ? to_keras_json(graph, name) + "\n" : graph.summary();
  std::fwrite(text.data(), 1, text.size(), stdout);
  return exit_done;
}

// What a process other than the first does otherwise.
TrainOptions options_of(const ProcessGroup& group, TrainOptions options) {
  if (options.threads == 0) options.threads = own_cores(group);
  if (options.loading.threads == 0) options.loading.threads = own_cores(group);
  if (group.process() == 0) return options;
  const std::string rank = "." + std::to_string(group.process());
  options.quiet = true;
  if (!options.loading.trace.empty()) options.loading.trace += rank;
  if (!options.loading.error_report.empty()) options.loading.error_report += rank;
  return options;
}

// Waiting for the others can be interrupted: there is nothing to be saved yet.
std::unique_ptr<ProcessGroup> join(const ProcessOptions& options, Interrupt& interrupt) {
  const Interrupt::Action give_up(interrupt, [&interrupt] {
    complain("stopped before all processes had come: nothing to save");
    std::_Exit(interrupt.exit_status());
  });
  return join_processes(options);
}

int train(const TrainOptions& options, const CLI::App& command) {
  if (options.summary) return show_model(options);
  const std::vector<int> gpus = parse_gpus(options.gpus);
  if (const int ranks = ranks_to_launch(options.processes, gpus)) {
    require_gpus(gpus, gpu_devices());
    return launch_ranks(options.processes, ranks, std::filesystem::path(options.out) / "ranks");
  }
  follow_launcher();
  if (options.quiet) quiet_messages();
  Interrupt interrupt;
  try {
    if (const auto group = join(options.processes, interrupt)) {
      const TrainOptions own = options_of(*group, options);
      if (own.quiet) quiet_messages();
      return run_together(*group, own.replicas, [&] {
        return TrainingRun(own, command, interrupt, group.get()).execute();
      });
    }
    return TrainingRun(options, command, interrupt, nullptr).execute();
  } catch (const Error& error) {
    if (!interrupt.explains(error)) throw;
    complain("stopped before training began: nothing to save");
    return interrupt.exit_status();
  }
}

// With --resume, the options of the run that is there.
std::string options_of_earlier_run(const std::vector<std::string>& arguments) {
  const bool resume = std::find(arguments.begin(), arguments.end(), "--resume") != arguments.end();
  const std::string out = last_value(arguments, "--out");
  if (!resume || out.empty()) return "";
  const std::filesystem::path record = std::filesystem::path(out) / "run.json";
  return std::filesystem::exists(record) ? record.string() : "";
}

}  // namespace

Command make_train_command(CLI::App& program) {
  Command command;
  command.name = "train";
  command.app = add_command(program, command.name, "Train a model from images", example);
  auto options = std::make_shared<TrainOptions>();
  options->add_to(*command.app);
  command.run = [options, app = command.app] { return train(*options, *app); };
  command.remembered_options = options_of_earlier_run;
  return command;
}

}  // namespace headrace::cli
