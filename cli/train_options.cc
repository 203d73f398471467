#include "headrace/cli/train_options.h"

#include <CLI/CLI.hpp>

#include "headrace/cli/backend_choice.h"
#include "headrace/cli/common_options.h"
#include "headrace/cli/model_choice.h"

namespace headrace::cli {
namespace {

void add_images(CLI::App& command, TrainOptions& options) {
  add_data(command, options.data, "Training images");
  command.add_option("--val", options.validation, "Images to validate with after each epoch")
      ->type_name("PATH")
      ->group("Data");
  command
      .add_option("--validation-split", options.validation_split,
                  "Validate with the first of the images of each class, this share of them, and "
                  "train on the rest")
      ->type_name("SHARE")
      ->check(CLI::Range(0.0, 1.0))
      ->group("Data");
  add_root(command, options.root);
  add_image_size(command, options.image_size);
}

void add_mixing(CLI::App& command, TrainOptions& options) {
  const auto add = [&](const char* name, double& alpha, const std::string& what) {
    command.add_option(name, alpha, what)
        ->type_name("ALPHA")
        ->check(CLI::Range(0.0, 100.0))
        ->capture_default_str()
        ->group("Augmentation");
  };
  add("--mixup", options.mixup,
      "Blend each training image, and its label, with another one's, in shares drawn from "
      "Beta(ALPHA, ALPHA); 0: not. Usual: 0.2");
  add("--cutmix", options.cutmix,
      "Put a rectangle of another image into each training image, and as much of its label; with "
      "--mixup too each image takes one or the other. Usual: 1");
}

void add_training(CLI::App& command, TrainOptions& options) {
  const char* group = "Training";
  add_model(command, options.model, group);
  options.weights.add_to(command, group);
  command.add_option("--epochs", options.epochs, "How often all images are seen")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->group(group);
  add_batch_size(command, options.batch_size, "Images in a step, of all replicas together", group);
  command
      .add_option("--last-batch", options.last_batch,
                  "What becomes of the images at an epoch's end that fill no batch: keep or drop")
      ->type_name("WHAT")
      ->check(CLI::IsMember({"keep", "drop"}))
      ->capture_default_str()
      ->group(group);
  command.add_option("--seed", options.seed, "Of order, augmentation, initial weights and dropout")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
}

void add_machine(CLI::App& command, TrainOptions& options) {
  const char* group = "Machine";
  command
      .add_option("--replicas", options.replicas,
                  "Copies of the model in each process, each on its share of "
                  "every batch")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--accumulate", options.accumulate,
                  "Compute each batch in so many parts, one after the other, and then update once: "
                  "for batches that do not fit into memory")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->group(group);
  add_compute_threads(command, options.threads, "train, of all replicas of a process together");
  add_placement(command, options.placement, "Others go with what they read. --summary shows it",
                group);
  add_micro_batches(command, options.micro_batches);
  add_gpus(command, options.gpus, GpusOf::processes, group);
  options.gpu_feed.add_to(command, group);
  add_precision(command, options.precision, group);
  options.processes.add_to(command, "--out, in ranks/");
  options.processes.add_restarts_to(command);
}

// What it shows needs no data, and writes nothing.
void add_summary(CLI::App& command, TrainOptions& options) {
  const auto summary = [&command, &options] {
    options.summary = true;
    for (const char* name : {"--data", "--out"}) command.get_option(name)->required(false);
  };
  command
      .add_flag_callback("--summary", summary,
                         "Only show the model: layers, shapes, parameters, FLOPs, memory; with "
                         "--json, as Keras' model_from_json() reads it. It needs no data")
      ->configurable(false)
      ->group("Output");
  command
      .add_option("--classes", options.classes,
                  "Of --summary without --data, as --image-size is; 0: as many "
                  "as are usual")
      ->type_name("N")
      ->check(CLI::Range(0, 1'000'000))
      ->configurable(false)
      ->capture_default_str()
      ->group("Output");
}

void add_output(CLI::App& command, TrainOptions& options) {
  const char* group = "Output";
  command
      .add_option("--out", options.out,
                  "Folder for history.csv, curves.png, "
                  "model.safetensors and run.json")
      ->type_name("DIR")
      ->required()
      ->group(group);
  auto* resume = command.add_flag("--resume", options.resume,
                                  "Go on where the run in --out "
                                  "stopped, with its options unless others are given; from the "
                                  "beginning if there is none");
  auto* overwrite =
      command.add_flag("--overwrite", options.overwrite, "Replace the run that --out holds");
  resume->configurable(false)->group(group);
  overwrite->configurable(false)->excludes(resume)->group(group);
  command.add_flag("--quiet", options.quiet, "No progress, no notes; warnings and errors only")
      ->configurable(false)
      ->group(group);
  add_json(command, options.json);
}

}  // namespace

void TrainOptions::add_to(CLI::App& command) {
  add_images(command, *this);
  recipe.add_to(command);
  add_mixing(command, *this);
  add_training(command, *this);
  fitting.add_to(command);
  add_machine(command, *this);
  LoadingOptions::Wording wording;
  wording.report_default = "errors.csv in --out";
  loading.add_to(command, wording);
  add_output(command, *this);
  add_summary(command, *this);
}

}  // namespace headrace::cli
