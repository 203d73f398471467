#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "headrace/cli/bench_command.h"
#include "headrace/cli/bench_loader_options.h"
#include "headrace/cli/byte_size.h"
#include "headrace/cli/emulation.h"
#include "headrace/cli/image_data.h"
#include "headrace/cli/interrupt.h"
#include "headrace/cli/loader_view.h"
#include "headrace/cli/loading.h"
#include "headrace/cli/process_clock.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/run_record.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/loader.h"

namespace headrace::cli {
namespace {

using Clock = std::chrono::steady_clock;

// From one epoch's last batch, as the consumer sees it, to the next one's.
struct EpochTimes {
  double seconds = 0;
  double cpu_seconds = 0;  // of all threads
};

struct Outcome {
  double seconds = 0;              // since the loader was made
  double first_batch_seconds = 0;  // since the process was started
  std::vector<EpochTimes> epochs;
  std::uint64_t fingerprint = 0;
  std::optional<Error> error;  // that ended it
};

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

// One line at the end of an epoch, but not one after the other where epochs are short.
class EpochLines {
 public:
  explicit EpochLines(std::uint64_t epochs) : epochs_(epochs) {}
  void end_of(std::uint64_t epoch, const LoaderStats& now) {
    if (Clock::now() < next_) return;
    next_ = Clock::now() + std::chrono::seconds(1);
    const LoaderStats recent = difference(now, before_);
    before_ = now;
    note(fmt::format(
        "epoch {}/{}  {}  {} images/s", epoch + 1, epochs_, duration(recent.seconds),
        with_commas(std::llround(share(static_cast<double>(recent.samples), recent.seconds)))));
  }

 private:
  std::uint64_t epochs_;
  LoaderStats before_;
  Clock::time_point next_{};
};

class EpochClock {
 public:
  EpochTimes lap() {
    const auto now = Clock::now();
    const double cpu = process_cpu_seconds();
    const EpochTimes times{std::chrono::duration<double>(now - start_).count(), cpu - cpu_start_};
    start_ = now;
    cpu_start_ = cpu;
    return times;
  }

 private:
  Clock::time_point start_ = Clock::now();
  double cpu_start_ = process_cpu_seconds();
};

std::string live_view(const LoaderStats& stats, LoaderView& view, int slots) {
  const double rate = share(static_cast<double>(stats.samples), stats.seconds);
  return fmt::format("{} images/s  {}", with_commas(std::llround(rate)), view.look(stats, slots));
}

Outcome drain(Loader& loader, const BenchLoaderOptions& options) {
  const auto start = Clock::now();
  Outcome outcome;
  Fingerprint fingerprint;
  const std::int64_t images = share_of(loader.sequence().size(), loader.options().shard).samples *
                              static_cast<std::int64_t>(options.epochs);
  CountReport progress(Terminal::standard_error(), "loading", images);
  LoaderView view("taking batches");
  EpochLines lines(options.epochs);
  EpochClock clock;
  const int slots = loader.options().prefetch + loader.options().leases;
  std::int64_t done = 0;
  try {
    for (std::uint64_t epoch = 0; epoch < options.epochs;) {
      const auto batch = loader.next();
      if (!batch) {
        outcome.epochs.push_back(clock.lap());
        lines.end_of(epoch++, loader.stats());
        continue;
      }
      if (outcome.first_batch_seconds == 0) outcome.first_batch_seconds = process_age_seconds();
      if (options.fingerprint) fingerprint.add(*batch);
      progress.update(done += batch->valid_rows(),
                      [&] { return live_view(loader.stats(), view, slots); });
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled) throw;
    outcome.error = error;
  }
  outcome.fingerprint = fingerprint.value();
  outcome.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return outcome;
}

std::int64_t peak_rss_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

Json to_json(const std::vector<EpochTimes>& epochs) {
  Json list = Json::array();
  for (const EpochTimes& epoch : epochs) {
    list.push_back({{"seconds", epoch.seconds}, {"cpu_seconds", epoch.cpu_seconds}});
  }
  return list;
}

Json report(const Loader& loader, const Loading& loading, const BenchLoaderOptions& options,
            const Outcome& outcome) {
  const LoaderStats stats = loader.stats();
  const double busy = stats.stages.read + stats.stages.decode + stats.stages.render;
  const std::vector<NamedReport> reports = loading.error_reports();
  const std::int64_t bad = bad_images(reports);
  Json json = {{"images_per_second", share(static_cast<double>(stats.samples), outcome.seconds)},
               {"images", stats.samples},
               {"seconds", outcome.seconds},
               {"epochs", to_json(outcome.epochs)},
               {"first_batch_seconds", outcome.first_batch_seconds},
               {"loader_first_batch_seconds", stats.first_batch_seconds},
               {"epoch_gap_seconds", stats.max_epoch_gap_seconds},
               {"batch_wait_p50_seconds", stats.wait_p50_seconds},
               {"batch_wait_p99_seconds", stats.wait_p99_seconds},
               {"peak_rss_bytes", peak_rss_bytes()},
               {"slot_bytes", stats.slot_bytes},
               {"peak_read_ahead_bytes", stats.peak_read_bytes},
               {"bytes_read", stats.stages.bytes_read},
               {"images_from_disk", stats.disk_samples},
               {"stages",
                {{"read", share(stats.stages.read, busy)},
                 {"decode", share(stats.stages.decode, busy)},
                 {"render", share(stats.stages.render, busy)}}},
               {"threads", loader.options().threads},
               {"threads_busy", share(stats.fill_seconds, stats.thread_seconds)},
               {"limit", loader_limit(stats)},
               {"errors", outcome.error && bad == 0 ? 1 : bad}};
  if (loading.budget() != nullptr) {
    json["memory_bytes"] = loading.budget()->total();
    json["memory_used_bytes"] = loading.budget()->total() - loading.budget()->left();
    json["memory"] = loading.memory_text();
    json["cached_images"] = loading.cache_use().kept;
    json["cache_hits"] = loading.cache_use().hits;
  }
  if (options.loading.fast_chroma) json["fast_chroma_images"] = loading.fast_chroma_samples();
  if (options.fingerprint) json["fingerprint"] = to_hex(outcome.fingerprint);
  if (bad > 0) json["error_report"] = to_json(reports);
  if (outcome.error) json["first_error"] = outcome.error->what();
  return json;
}

void print_text(const Json& json) {
  const auto number = [&json](const char* key) { return json[key].get<double>(); };
  const Json& stages = json["stages"];
  const int threads = json["threads"];
  fmt::print("{} images/s: {} images in {}, {} thread{}\n",
             with_commas(std::llround(number("images_per_second"))), with_commas(json["images"]),
             duration(number("seconds")), threads, threads == 1 ? "" : "s");
  fmt::print(
      "first batch {:.0f} ms after the start of the process, {:.0f} ms after that of the loader; "
      "longest gap between epochs {:.1f} ms; wait for a batch {:.2f} ms (p50), {:.2f} ms (p99)\n",
      1e3 * number("first_batch_seconds"), 1e3 * number("loader_first_batch_seconds"),
      1e3 * number("epoch_gap_seconds"), 1e3 * number("batch_wait_p50_seconds"),
      1e3 * number("batch_wait_p99_seconds"));
  fmt::print("time of threads: read {:.0f} %, decode {:.0f} %, render {:.0f} %; {} read\n",
             100 * stages["read"].get<double>(), 100 * stages["decode"].get<double>(),
             100 * stages["render"].get<double>(), byte_size_text(number("bytes_read")));
  fmt::print("memory: {} of batches, {} at most in all\n", byte_size_text(number("slot_bytes")),
             byte_size_text(number("peak_rss_bytes")));
  if (json.contains("memory")) fmt::print("budget: {}\n", json["memory"].get<std::string>());
  if (json.value("cached_images", 0) > 0)
    fmt::print("cache: {} images kept, {} samples made of them\n",
               with_commas(json["cached_images"]), with_commas(json["cache_hits"]));
  if (json.contains("fast_chroma_images"))
    fmt::print("fast chroma: {} of {} images\n", with_commas(json["fast_chroma_images"]),
               with_commas(json["images"]));
  fmt::print("{}\n", json["limit"].get<std::string>());
  if (json.contains("fingerprint"))
    fmt::print("fingerprint {}\n", json["fingerprint"].get<std::string>());
}

int measure(const BenchLoaderOptions& options, Loading& loading,
            const std::shared_ptr<const ImageSequence>& images, Interrupt& interrupt) {
  LoaderOptions loader_options = loading.loader_options(options.batch_size);
  loader_options.epochs = options.epochs;
  loader_options.shard = options.shard.make();
  const auto loader = loading.make_loader(images, loader_options);
  Outcome outcome;
  {
    const Interrupt::Action cancel(interrupt, [&loader] { loader->cancel(); });
    outcome = drain(*loader, options);
  }
  const Json json = report(*loader, loading, options, outcome);
  loading.finish();
  if (options.json) {
    fmt::print("{}\n", json.dump());
  } else if (!outcome.error) {
    print_text(json);
  }
  if (!outcome.error) return exit_done;
  complain(loading.with_way_out(*outcome.error).what());
  return exit_failed;
}

int emulate(const BenchLoaderOptions& options, Loading& loading,
            const std::shared_ptr<const ImageSequence>& images, Interrupt& interrupt) {
  if (images->size() < options.batch_size) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("--emulate: {} images are less than a batch of {}: give more, or a "
                            "smaller --batch-size",
                            images->size(), options.batch_size));
  }
  const EmulationResult result = find_most_accelerators(options.emulation, [&](int accelerators) {
    const LoaderOptions loader_options =
        emulated_loader(loading.loader_options(options.batch_size), accelerators, *images);
    note(fmt::format("{} accelerator{}, for {} at least", accelerators,
                     accelerators == 1 ? "" : "s", duration(options.emulation.run_seconds)));
    const auto loader = loading.make_loader(images, loader_options);
    return try_accelerators(*loader, accelerators, options.emulation, interrupt);
  });
  loading.finish();
  if (options.json) {
    Json json = to_json(result, options.emulation);
    json["batch_size"] = options.batch_size;
    json["threads"] = result.tries.front().stats.threads;
    json["errors"] = bad_images(loading.error_reports());
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print("Accelerators that take {} s for a batch of {}, {} threads, {} a try:\n{}",
               options.emulation.seconds, options.batch_size, result.tries.front().stats.threads,
               duration(options.emulation.run_seconds), to_text(result, options.emulation));
  }
  return exit_done;
}

int bench_loader(const BenchLoaderOptions& options) {
  Interrupt interrupt;
  Loading loading(options.loading);
  const ImageData data = open_images(options.data, options.root, {}, loading.decoding());
  ImageShape shape = natural_shape(data);
  if (!options.image_size.empty()) shape = parse_image_size(options.image_size, shape);
  Recipe recipe = options.recipe.recipe(shape, !options.image_size.empty());
  try {
    loading.fit_mean(recipe, data, options.batch_size, interrupt);
    const auto images = loading.shuffled(data, recipe, options.seed);
    return options.emulation.seconds > 0 ? emulate(options, loading, images, interrupt)
                                         : measure(options, loading, images, interrupt);
  } catch (const Error& error) {
    if (!interrupt.explains(error)) throw;
    complain("stopped");
    return interrupt.exit_status();
  }
}

}  // namespace

Command make_bench_loader_command(CLI::App& group) {
  Command command;
  command.name = "bench loader";
  auto options = std::make_shared<BenchLoaderOptions>();
  command.app = options->add_command_to(group);
  command.run = [options] { return bench_loader(*options); };
  return command;
}

}  // namespace headrace::cli
