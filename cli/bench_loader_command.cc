#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <memory>

#include "headrace/cli/bench_command.h"
#include "headrace/cli/image_data.h"
#include "headrace/cli/interrupt.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/recipe_options.h"
#include "headrace/cli/run_record.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/loader.h"

namespace headrace::cli {
namespace {

constexpr const char* example =
    "  headrace bench loader --data train.csv --width-shift 0.05 --horizontal-flip --mean pixel\n"
    "All times count from the making of the loader; the mean is fitted before.";

struct Options {
  std::string data;
  std::string root;
  std::string image_size;
  RecipeOptions recipe;
  std::int64_t batch_size = 128;
  std::uint64_t epochs = 2;
  std::uint64_t seed = 0;
  int threads = 0;
  int prefetch = 4;
  bool fingerprint = false;
  bool json = false;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("--data", options.data, "Images: any kind of data set")
      ->type_name("PATH")
      ->required()
      ->group("Data");
  command.add_option("--root", options.root, "What the paths in a list are relative to")
      ->type_name("DIR")
      ->group("Data");
  command
      .add_option("--image-size", options.image_size,
                  "N, HxW or HxWxC; without it, that of "
                  "the first image")
      ->type_name("SIZE")
      ->group("Data");
  options.recipe.add_to(command);
  command.add_option("--batch-size", options.batch_size, "Images in a batch")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group("Loader");
  command.add_option("--epochs", options.epochs, "How often all images are loaded")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->group("Loader");
  command.add_option("--threads", options.threads, "0: one for each core")
      ->type_name("N")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group("Loader");
  command.add_option("--prefetch", options.prefetch, "Batches made ahead")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->group("Loader");
  command.add_option("--seed", options.seed, "Of order and augmentation")
      ->type_name("N")
      ->capture_default_str()
      ->group("Loader");
  command
      .add_flag("--fingerprint", options.fingerprint,
                "Also a fingerprint of all pixels and "
                "labels delivered; costs some speed")
      ->group("Output");
  command.add_flag("--json", options.json, "The result as one JSON object on standard output")
      ->configurable(false)
      ->group("Output");
}

struct Outcome {
  double seconds = 0;
  std::uint64_t fingerprint = 0;
  std::int64_t errors = 0;
  std::string first_error;
};

Outcome drain(Loader& loader, const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  Outcome outcome;
  Fingerprint fingerprint;
  const std::int64_t images = loader.sequence().size() * static_cast<std::int64_t>(options.epochs);
  CountReport progress(Terminal::standard_error(), "loading", images);
  std::int64_t done = 0;
  for (std::uint64_t epoch = 0; epoch < options.epochs;) {
    try {
      const auto batch = loader.next();
      if (!batch) {
        ++epoch;
        continue;
      }
      if (options.fingerprint) fingerprint.add(*batch);
      progress.update(done += batch->size());
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled) throw;
      if (outcome.errors++ == 0) outcome.first_error = error.what();
    }
  }
  outcome.fingerprint = fingerprint.value();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  outcome.seconds = seconds.count();
  return outcome;
}

std::int64_t peak_rss_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

Json report(const Loader& loader, const Options& options, const Outcome& outcome) {
  const LoaderStats stats = loader.stats();
  const double busy = stats.stages.read + stats.stages.decode + stats.stages.render;
  Json json = {{"images_per_second", share(static_cast<double>(stats.samples), outcome.seconds)},
               {"images", stats.samples},
               {"seconds", outcome.seconds},
               {"first_batch_seconds", stats.first_batch_seconds},
               {"epoch_gap_seconds", stats.max_epoch_gap_seconds},
               {"batch_wait_p99_seconds", stats.wait_p99_seconds},
               {"peak_rss_bytes", peak_rss_bytes()},
               {"slot_bytes", stats.slot_bytes},
               {"bytes_read", stats.stages.bytes_read},
               {"stages",
                {{"read", share(stats.stages.read, busy)},
                 {"decode", share(stats.stages.decode, busy)},
                 {"render", share(stats.stages.render, busy)}}},
               {"threads", loader.options().threads},
               {"errors", outcome.errors}};
  if (options.fingerprint) json["fingerprint"] = to_hex(outcome.fingerprint);
  if (outcome.errors > 0) json["first_error"] = outcome.first_error;
  return json;
}

void print_text(const Json& json) {
  const auto number = [&json](const char* key) { return json[key].get<double>(); };
  const Json& stages = json["stages"];
  fmt::print("{} images/s: {} images in {}, {} threads\n",
             with_commas(std::llround(number("images_per_second"))), with_commas(json["images"]),
             duration(number("seconds")), json["threads"].get<int>());
  fmt::print(
      "first batch after {:.1f} ms, longest gap between epochs {:.1f} ms, wait for a batch "
      "{:.2f} ms (p99)\n",
      1e3 * number("first_batch_seconds"), 1e3 * number("epoch_gap_seconds"),
      1e3 * number("batch_wait_p99_seconds"));
  fmt::print("time of threads: read {:.0f} %, decode {:.0f} %, render {:.0f} %; {:.1f} MB read\n",
             100 * stages["read"].get<double>(), 100 * stages["decode"].get<double>(),
             100 * stages["render"].get<double>(), number("bytes_read") / 1e6);
  fmt::print("memory: {:.1f} MB of batches, {:.1f} MB at most in all\n", number("slot_bytes") / 1e6,
             number("peak_rss_bytes") / 1e6);
  if (json.contains("fingerprint"))
    fmt::print("fingerprint {}\n", json["fingerprint"].get<std::string>());
}

int bench_loader(const Options& options) {
  Interrupt interrupt;
  const ImageData data = open_images(options.data, options.root);
  ImageShape shape = natural_shape(data);
  if (!options.image_size.empty()) shape = parse_image_size(options.image_size, shape);
  Recipe recipe = options.recipe.recipe(shape, !options.image_size.empty());
  try {
    fit_mean(recipe, data, options.threads, interrupt);
    ImageSequenceOptions sequence;
    sequence.seed = options.seed;
    LoaderOptions loader_options;
    loader_options.batch_size = options.batch_size;
    loader_options.threads = options.threads;
    loader_options.prefetch = options.prefetch;
    loader_options.epochs = options.epochs;
    Loader loader(make_sequence(data, recipe, sequence), loader_options);
    const Interrupt::Action cancel(interrupt, [&loader] { loader.cancel(); });
    const Outcome outcome = drain(loader, options);
    const Json json = report(loader, options, outcome);
    if (options.json) {
      fmt::print("{}\n", json.dump());
    } else {
      print_text(json);
    }
    if (outcome.errors == 0) return exit_done;
    complain(fmt::format("{} batch{} could not be made; the first: {}", outcome.errors,
                         outcome.errors == 1 ? "" : "es", outcome.first_error));
    return exit_failed;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled || !interrupt.requested()) throw;
    complain("stopped");
    return interrupt.exit_status();
  }
}

}  // namespace

Command make_bench_loader_command(CLI::App& group) {
  Command command;
  command.name = "bench loader";
  command.app = add_command(group, "loader", "Images per second of the loader alone", example);
  auto options = std::make_shared<Options>();
  add_options(*command.app, *options);
  command.run = [options] { return bench_loader(*options); };
  return command;
}

}  // namespace headrace::cli
