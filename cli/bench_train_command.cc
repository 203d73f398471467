#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>

#include "headrace/cli/backend_choice.h"
#include "headrace/cli/bench_command.h"
#include "headrace/cli/common_options.h"
#include "headrace/cli/image_data.h"
#include "headrace/cli/launch_ranks.h"
#include "headrace/cli/launcher.h"
#include "headrace/cli/model_choice.h"
#include "headrace/cli/pipeline_figures.h"
#include "headrace/cli/process_clock.h"
#include "headrace/cli/processes.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/run_record.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/worker_budget.h"
#include "headrace/train/gpu_devices.h"
#include "headrace/train/initial_parameters.h"
#include "headrace/train/placement.h"
#include "headrace/train/trainer.h"

namespace headrace::cli {
namespace {

constexpr const char* example =
    "  headrace bench train --model mnist_cnn --batch-size 128\n"
    "Trains on one batch of random pixels and labels that lies in memory, or on the GPU that it "
    "trains on, again and again.";

struct Options {
  std::string model = "mnist_cnn";
  std::string image_size;  // the model's own
  int classes = 0;         // the model's own
  std::string optimizer = "adam";
  std::string precision = "f32";
  std::int64_t batch_size = 128;
  int replicas = 1;
  int threads = 0;
  std::string gpus = "0";
  int accumulate = 1;
  int micro_batches = 1;
  ProcessOptions processes;
  int bucket_kib = static_cast<int>(TrainerOptions{}.bucket_bytes / 1024);
  int steps = 200;
  int warm_up = 10;
  std::string placement;  // of layers on devices
  bool profile = false;
  bool json = false;
};

void add_options(CLI::App& command, Options& options) {
  add_model(command, options.model, "Model");
  command
      .add_option("--image-size", options.image_size,
                  "HEIGHTxWIDTHxCHANNELS; without it, what is usual for the model")
      ->type_name("SIZE")
      ->group("Model");
  command.add_option("--classes", options.classes, "Of the labels; 0: what is usual for the model")
      ->type_name("N")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str()
      ->group("Model");
  command.add_option("--optimizer", options.optimizer, "sgd, adam, adamw or rmsprop")
      ->type_name("NAME")
      ->check(CLI::IsMember(optimizer_names()))
      ->capture_default_str()
      ->group("Model");
  add_precision(command, options.precision, "Model");
  add_batch_size(command, options.batch_size, "Images in a step, of all replicas together",
                 "Measurement");
  command.add_option("--steps", options.steps, "Steps to measure")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str()
      ->group("Measurement");
  command.add_option("--warm-up", options.warm_up, "Steps before, which do not count")
      ->type_name("N")
      ->check(CLI::Range(0, 10'000'000))
      ->capture_default_str()
      ->group("Measurement");
  command
      .add_flag("--profile", options.profile,
                "Also say where a step's time goes, by kinds of operations, on the CPU")
      ->group("Measurement");
  command.add_option("--replicas", options.replicas, "Copies of the model")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->group("Machine");
  command
      .add_option("--accumulate", options.accumulate,
                  "Compute each batch in so many parts, one after the other")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->group("Machine");
  add_compute_threads(command, options.threads, "train, of all replicas together");
  add_placement(command, options.placement, "Others go with what they read", "Machine");
  add_micro_batches(command, options.micro_batches);
  add_gpus(command, options.gpus, GpusOf::processes);
  options.processes.add_to(command, "a folder that is named if one fails");
  command
      .add_option("--bucket", options.bucket_kib,
                  "KiB of gradients that processes exchange at a time, while more are computed")
      ->type_name("KIB")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group("Machine");
  add_json(command, options.json);
}

// Inputs of uniform noise in [-1, 1) with random labels.
class NoiseSequence final : public Sequence {
 public:
  NoiseSequence(const Graph& graph, std::int64_t size)
      : classes_(static_cast<std::uint64_t>(graph.shape(graph.output()).elements())), size_(size) {
    for (const Graph::Node& node : graph.nodes()) {
      if (node.layer < 0) {
        spec_.fields.push_back({node.input_name, ElementType::f32, node.shape.extents()});
      }
    }
    spec_.fields.push_back({"label", ElementType::i32, {}});
  }
  std::int64_t size() const override { return size_; }
  const BatchSpec& spec() const override { return spec_; }
  void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const override {
    const std::size_t inputs = spec_.fields.size() - 1;
    for (std::int64_t row = 0; row < rows.count(); ++row) {
      Rng rng = Rng(0, epoch).for_sample(static_cast<std::uint64_t>(first + row));
      for (std::size_t field = 0; field < inputs; ++field) {
        float* values = rows.row_as<float>(field, row);
        for (std::int64_t i = 0; i < spec_.fields[field].elements(); ++i)
          values[i] = static_cast<float>(rng.uniform(-1, 1));
      }
      *rows.row_as<std::int32_t>(inputs, row) =
          static_cast<std::int32_t>(rng.below(std::max<std::uint64_t>(classes_, 2)));
    }
  }

 private:
  std::uint64_t classes_;
  std::int64_t size_;
  BatchSpec spec_;
};

// The value that a share of sorted times stays at or below.
double percentile(const std::vector<double>& sorted, double fraction) {
  const auto rank = std::ceil(fraction * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

struct Measured {
  std::vector<double> steps;  // seconds of each
  double cpu_seconds = 0;     // of all, on all threads
  ExchangeTimes exchange;     // of all
};

// Where steps are begun ahead, what is measured is the time from one that ends to the next.
Measured measure(Trainer& trainer, const std::shared_ptr<const Batch>& batch,
                 const Options& options) {
  using Clock = std::chrono::steady_clock;
  for (int step = 0; step < options.warm_up; ++step) trainer.train_ahead(batch);
  Measured measured;
  const ExchangeTimes before = trainer.exchange_times();
  if (options.profile) trainer.start_profile();
  const double cpu_before = process_cpu_seconds();
  for (int step = 0; step < options.steps; ++step) {
    const auto start = Clock::now();
    trainer.train_ahead(batch);
    measured.steps.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  measured.cpu_seconds = process_cpu_seconds() - cpu_before;
  trainer.finish_steps();
  measured.exchange = trainer.exchange_times() - before;
  return measured;
}

Json to_json(const std::vector<OperationTime>& profile, int steps) {
  Json list = Json::array();
  for (const OperationTime& time : profile) {
    list.push_back({{"kind", time.kind},
                    {"forward_seconds", time.forward_seconds / steps},
                    {"backward_seconds", time.backward_seconds / steps},
                    {"gflops_per_second",
                     time.flops > 0 ? Json(1e-9 * time.flops / time.seconds()) : Json()}});
  }
  return list;
}

// `thread_seconds` is what all threads had.
void print_profile(const std::vector<OperationTime>& profile, double thread_seconds, int steps) {
  const auto line = [&](const std::string& kind, const std::string& forward,
                        const std::string& backward, double seconds, const std::string& speed) {
    fmt::print("{:<20} {:>10} {:>10} {:>6.1f} % {:>10}\n", kind, forward, backward,
               100 * seconds / thread_seconds, speed);
  };
  const auto milliseconds = [&](double seconds) {
    return fmt::format("{:.3f}", 1e3 * seconds / steps);
  };
  fmt::print("\nof a step, all threads together\n{:<20} {:>10} {:>10} {:>8} {:>10}\n", "",
             "forward ms", "backward", "share", "GFLOP/s");
  double known = 0;
  for (const OperationTime& time : profile) {
    known += time.seconds();
    line(time.kind, milliseconds(time.forward_seconds), milliseconds(time.backward_seconds),
         time.seconds(),
         time.flops > 0 ? fmt::format("{:.0f}", 1e-9 * time.flops / time.seconds()) : "");
  }
  line("waiting, and else", "", "", std::max(0.0, thread_seconds - known), "");
}

// Of this process's share, as a replica of its own.
PipelineFigures pipeline_of(const Graph& graph, Backend& backend, const Batch& batch,
                            const Options& options) {
  PlanOptions how;
  how.batch_size = batch.size();
  how.threads = options.threads > 0 ? options.threads : usable_cores();
  how.loss = loss_of(graph);
  how.optimizer = make_optimizer(options.optimizer);
  how.precision = precision_of(options.precision);
  how.micro_batches = options.micro_batches;
  const auto plan = backend.compile(graph, how);
  plan->set_parameters(initial_parameters(graph, 0));
  StepInput input;
  input.batch = &batch;
  input.rows = input.global_rows = batch.size();
  return measure_pipeline(*plan, input, static_cast<int>(devices_of(graph).size()),
                          options.micro_batches, options.steps);
}

int bench_train(const Options& options, ProcessGroup* group) {
  const Graph graph = placed(choose_model(options.model, options.image_size, options.classes),
                             options.placement, options.micro_batches);
  LoaderOptions loading;
  loading.batch_size = options.batch_size;
  loading.threads = 1;
  loading.epochs = 1;
  const std::optional<int> gpu = gpu_of_process(parse_gpus(options.gpus));
  if (gpu) loading.device = open_gpu(*gpu);  // where the batch then stays
  if (group != nullptr) loading.shard = {.rank = group->process(), .world_size = group->size()};
  Loader data(std::make_shared<NoiseSequence>(graph, options.batch_size), loading);
  const auto batch = std::make_shared<const Batch>(data.next().value());
  TrainerOptions trainer_options;
  trainer_options.batch_size = options.batch_size;
  trainer_options.replicas = options.replicas;
  trainer_options.accumulate = options.accumulate;
  trainer_options.micro_batches = options.micro_batches;
  trainer_options.threads = options.threads;
  trainer_options.rank_timeout = options.processes.timeout();
  trainer_options.bucket_bytes = static_cast<std::size_t>(options.bucket_kib) * 1024;
  if (group != nullptr && options.threads == 0) trainer_options.threads = own_cores(*group);
  trainer_options.loss = loss_of(graph);
  trainer_options.precision = precision_of(options.precision);
  trainer_options.optimizer = make_optimizer(options.optimizer);
  const auto backend = choose_backend(gpu);
  Trainer trainer(graph, trainer_options, *backend,
                  communicators_of(group, *backend, gpu.has_value(), options.processes));
  const Measured measured = measure(trainer, batch, options);
  std::vector<double> times = measured.steps;
  double seconds = 0;
  for (const double time : times) seconds += time;
  std::sort(times.begin(), times.end());
  const double rate =
      static_cast<double>(options.batch_size) * static_cast<double>(options.steps) / seconds;
  const double exchange = measured.exchange.seconds / static_cast<double>(options.steps);
  Json result = {
      {"images_per_second", rate},
      {"images_per_cpu_second", rate * seconds / trainer.processes() / measured.cpu_seconds},
      {"step_seconds_p50", percentile(times, 0.50)},
      {"step_seconds_p99", percentile(times, 0.99)},
      {"steps", options.steps},
      {"seconds", seconds},
      {"model", options.model},
      {"batch_size", options.batch_size},
      {"processes", trainer.processes()},
      {"replicas", options.replicas},
      {"accumulate", options.accumulate},
      {"gpus", parse_gpus(options.gpus).size()},
      {"precision", options.precision},
      {"bucket_kib", options.bucket_kib},
      {"exchange_seconds", exchange},
      {"exchange_hidden", measured.exchange.hidden()},
      {"backend", backend->name()},
      {"data", gpu ? "one synthetic batch, resident on the GPU"
                   : "one synthetic batch, resident in memory"},
      {"trainer_bytes", trainer.memory_bytes()}};
  if (options.profile) result["profile"] = to_json(trainer.profile(), options.steps);
  std::optional<PipelineFigures> pipeline;
  if (devices_of(graph).size() > 1) pipeline = pipeline_of(graph, *backend, *batch, options);
  if (pipeline) {
    result["devices"] = pipeline->devices;
    result["micro_batches"] = options.micro_batches;
    result["bubble"] = pipeline->bubble;
    result["bubble_in_theory"] = pipeline->bubble_in_theory;
  }
  if (trainer.process() > 0) return exit_done;
  if (options.json) {
    fmt::print("{}\n", result.dump());
    return exit_done;
  }
  fmt::print("{} images/s: {} steps of {} synthetic images in {}, {}\n",
             with_commas(std::llround(rate)), with_commas(options.steps), options.batch_size,
             duration(seconds), backend->name());
  fmt::print("a step takes {:.2f} ms (p50), {:.2f} ms (p99); {:.1f} MB\n",
             1e3 * percentile(times, 0.50), 1e3 * percentile(times, 0.99),
             static_cast<double>(trainer.memory_bytes()) / 1e6);
  if (pipeline) {
    fmt::print(
        "{} devices, {} micro-batches: they wait for each other in {:.1f} % of their time; were "
        "all parts equally long, {:.1f} %\n",
        pipeline->devices, options.micro_batches, 100 * pipeline->bubble,
        100 * pipeline->bubble_in_theory);
  }
  if (trainer.processes() > 1) {
    fmt::print(
        "gradients are on their way for {:.2f} ms of a step, {:.0f} % of that while more "
        "are computed\n",
        1e3 * exchange, 100 * measured.exchange.hidden());
  }
  if (options.profile) {
    const int threads = trainer_options.threads > 0 ? trainer_options.threads : usable_cores();
    print_profile(trainer.profile(), threads * seconds, options.steps);
  }
  return exit_done;
}

}  // namespace

Command make_bench_train_command(CLI::App& group) {
  Command command;
  command.name = "bench train";
  command.app = add_command(group, "train", "Images per second of the trainer alone", example);
  auto options = std::make_shared<Options>();
  add_options(*command.app, *options);
  command.run = [options] {
    const std::vector<int> gpus = parse_gpus(options->gpus);
    if (const int ranks = ranks_to_launch(options->processes, gpus)) {
      require_gpus(gpus, gpu_devices());
      return launch_benchmark(options->processes, ranks);
    }
    follow_launcher();
    const auto processes = join_processes(options->processes);
    if (processes == nullptr) return bench_train(*options, nullptr);
    return run_together(*processes, options->replicas,
                        [&] { return bench_train(*options, processes.get()); });
  };
  return command;
}

}  // namespace headrace::cli
