#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "headrace/cli/backend_choice.h"
#include "headrace/cli/bench_command.h"
#include "headrace/cli/common_options.h"
#include "headrace/cli/feed_figures.h"
#include "headrace/cli/gpu_feed.h"
#include "headrace/cli/image_data.h"
#include "headrace/cli/interrupt.h"
#include "headrace/cli/loader_view.h"
#include "headrace/cli/loading.h"
#include "headrace/cli/model_choice.h"
#include "headrace/cli/recipe_options.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/trainer.h"

namespace headrace::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* example =
    "  headrace bench feed --data train.csv --recipe imagenet --model resnet50 --batch-size 64\n"
    "Trains from images for a while, then on one batch again and again, and says who waits.";

struct Options {
  std::string data;
  std::string root;
  std::string image_size;
  RecipeOptions recipe;
  std::string model = "mnist_cnn";
  std::string optimizer = "sgd";
  std::string precision = "f32";
  std::int64_t batch_size = 128;
  std::uint64_t seed = 0;
  double seconds = 10;
  int warm_up = 10;
  int replicas = 1;
  int threads = 0;
  std::string gpus = "0";
  GpuFeedOptions gpu_feed;
  LoadingOptions loading;
  bool json = false;
};

void add_options(CLI::App& command, Options& options) {
  add_data(command, options.data, "Images, with labels");
  add_root(command, options.root);
  add_image_size(command, options.image_size);
  options.recipe.add_to(command);
  add_model(command, options.model, "Model");
  command.add_option("--optimizer", options.optimizer, "sgd, adam, adamw or rmsprop")
      ->type_name("NAME")
      ->check(CLI::IsMember(optimizer_names()))
      ->capture_default_str()
      ->group("Model");
  add_precision(command, options.precision, "Model");
  const char* group = "Measurement";
  add_batch_size(command, options.batch_size, "Images in a step, of all replicas together", group);
  command.add_option("--seconds", options.seconds, "How long to train from images")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str()
      ->group(group);
  command.add_option("--warm-up", options.warm_up, "Steps before, which do not count")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str()
      ->group(group);
  command.add_option("--seed", options.seed, "Of order, augmentation and initial weights")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  command.add_option("--replicas", options.replicas, "Copies of the model")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->group("Machine");
  add_compute_threads(command, options.threads, "train, of all replicas together");
  add_gpus(command, options.gpus, GpusOf::one_process);
  options.gpu_feed.add_to(command);
  options.loading.add_to(command, {});
  add_json(command, options.json);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::shared_ptr<const Batch> next_batch(Loader& loader) {
  for (;;) {
    // Nothing: the end of an epoch.
    if (auto batch = loader.next()) return std::make_shared<const Batch>(std::move(*batch));
  }
}

std::size_t bytes_an_image(const BatchSpec& spec) {
  std::size_t bytes = 0;
  for (const FieldSpec& field : spec.fields) bytes += field.row_bytes();
  return bytes;
}

FeedMeasurement measure(Trainer& trainer, Loader& loader, const Options& options) {
  for (int step = 0; step < options.warm_up; ++step) trainer.train_ahead(next_batch(loader));
  trainer.finish_steps();
  FeedMeasurement measured;
  measured.on_gpu = !parse_gpus(options.gpus).empty();
  measured.bytes_an_image = bytes_an_image(loader.sequence().spec());
  const LoaderStats before = loader.stats();
  const auto start = Clock::now();
  while (seconds_since(start) < options.seconds) {
    const auto batch = next_batch(loader);
    trainer.train_ahead(batch);
    measured.images += batch->size();
  }
  trainer.finish_steps();
  measured.seconds = seconds_since(start);
  measured.stats = difference(loader.stats(), before);
  return measured;
}

// On one batch, with a loader that stands still.
double trainer_alone(Trainer& trainer, const std::shared_ptr<const Batch>& batch, double seconds) {
  const auto start = Clock::now();
  std::int64_t images = 0;
  while (images == 0 || seconds_since(start) < seconds) {
    trainer.train_ahead(batch);
    images += batch->size();
  }
  trainer.finish_steps();
  return static_cast<double>(images) / seconds_since(start);
}

Recipe recipe_for(const Options& options, const ImageData& data) {
  const ImageShape natural = natural_shape(data);
  ImageShape shape = input_size(options.model, natural);
  if (!options.image_size.empty()) shape = parse_image_size(options.image_size, shape);
  return options.recipe.recipe(shape, !options.image_size.empty() || shape != natural);
}

int bench_feed(const Options& options) {
  Interrupt interrupt;
  Loading loading(options.loading);
  const auto gpu = gpu_of_process(parse_gpus(options.gpus));
  const auto device = options.gpu_feed.open(gpu);
  loading.use_gpu(options.gpu_feed, device);
  const ImageData data = open_images(options.data, options.root, {}, loading.decoding());
  require_labels(data);
  Recipe recipe = recipe_for(options, data);
  const Graph graph =
      choose_model(options.model, recipe.output(), static_cast<int>(data.classes().size()));
  try {
    loading.fit_mean(recipe, data, options.batch_size, interrupt);
    const auto images = loading.shuffled(data, recipe, options.seed);
    LoaderOptions loader_options = loading.loader_options(options.batch_size);
    loader_options.drop_last = images->size() >= options.batch_size;
    if (gpu) loader_options.leases = 5;  // steps are begun ahead, and hold their batches
    const auto loader = loading.make_loader(images, loader_options);
    if (device != nullptr) note("feed: " + loader->device_report());
    TrainerOptions trainer_options;
    trainer_options.batch_size = options.batch_size;
    trainer_options.replicas = options.replicas;
    trainer_options.threads = options.threads;
    trainer_options.loss = loss_of(graph);
    trainer_options.optimizer = make_optimizer(options.optimizer);
    trainer_options.seed = options.seed;
    trainer_options.precision = precision_of(options.precision);
    const auto backend = choose_backend(gpu);
    Trainer trainer(graph, trainer_options, *backend);
    const Interrupt::Action cancel(interrupt, [&loader] { loader->cancel(); });
    FeedMeasurement measured = measure(trainer, *loader, options);
    const auto last = next_batch(*loader);
    loader->cancel();  // its threads are to stand still
    measured.trainer_images = trainer_alone(trainer, last, options.seconds / 4);
    Json json = to_json(measured);
    json["backend"] = backend->name();
    json["model"] = options.model;
    json["batch_size"] = options.batch_size;
    if (device != nullptr) json["feed"] = loader->device_report();
    loading.finish();
    fmt::print("{}", options.json ? json.dump() + "\n" : to_text(measured));
    return exit_done;
  } catch (const Error& error) {
    if (!interrupt.explains(error)) throw;
    complain("stopped");
    return interrupt.exit_status();
  }
}

}  // namespace

Command make_bench_feed_command(CLI::App& group) {
  Command command;
  command.name = "bench feed";
  command.app =
      add_command(group, "feed", "Loader and trainer together: who waits, and what helps", example);
  auto options = std::make_shared<Options>();
  add_options(*command.app, *options);
  command.run = [options] { return bench_feed(*options); };
  return command;
}

}  // namespace headrace::cli
