#include "headrace/cli/bench_loader_options.h"

#include <CLI/CLI.hpp>

#include "headrace/cli/common_options.h"
#include "headrace/cli/program.h"

namespace headrace::cli {
namespace {

constexpr const char* example =
    "  headrace bench loader --data train.csv --recipe imagenet --batch-size 64 --threads 2\n"
    "  headrace bench loader --data train.csv --recipe imagenet --emulate 0.224 --batch-size 400\n"
    "The first batch counts from the start of the process, all other times from the making of the\n"
    "loader; a mean is fitted before.";

void add_measurement(CLI::App& command, BenchLoaderOptions& options) {
  const char* group = "Measurement";
  add_batch_size(command, options.batch_size, "Images in a batch, of all ranks together", group);
  command.add_option("--epochs", options.epochs, "How often all images are loaded")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->group(group);
  command.add_option("--seed", options.seed, "Of order and augmentation")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
}

void add_emulation(CLI::App& command, BenchLoaderOptions& options) {
  const char* group = "Emulated accelerators";
  Emulation& emulation = options.emulation;
  CLI::Option* emulate = command.add_option(
      "--emulate", emulation.seconds,
      "Find out how many accelerators the loader keeps busy that take so many seconds for a batch: "
      "each takes --batch-size images, sleeps, and waits for the others; --prefetch is for each");
  emulate->type_name("SECONDS")->check(CLI::Range(0.0001, 3600.0))->group(group);
  for (const char* other : {"--shard", "--epochs"}) emulate->excludes(command.get_option(other));
  command
      .add_option("--emulate-busy", emulation.busy, "Busy is: computing for this share of the time")
      ->type_name("SHARE")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--emulate-run", emulation.run_seconds,
                  "Length of each try in seconds; at least three batches each")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.01, 86400.0))
      ->capture_default_str()
      ->group(group);
  command.add_option("--emulate-most", emulation.most, "Accelerators to try at most")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->group(group);
}

void add_output(CLI::App& command, BenchLoaderOptions& options) {
  const char* group = "Output";
  CLI::Option* fingerprint =
      command.add_flag("--fingerprint", options.fingerprint,
                       "Also a fingerprint of all pixels and labels delivered; costs some speed");
  fingerprint->excludes(command.get_option("--emulate"))->group(group);
  add_json(command, options.json);
}

}  // namespace

CLI::App* BenchLoaderOptions::add_command_to(CLI::App& group) {
  CLI::App* command =
      add_command(group, "loader", "Images per second of the loader alone", example);
  add_data(*command, data, "Images");
  add_root(*command, root);
  add_image_size(*command, image_size);
  recipe.add_to(*command, true);
  add_measurement(*command, *this);
  LoadingOptions::Wording wording;
  wording.threads = "--threads,--loader-threads";
  loading.add_to(*command, wording);
  shard.add_to(*command, "each batch", true);
  add_emulation(*command, *this);
  add_output(*command, *this);
  return command;
}

}  // namespace headrace::cli
