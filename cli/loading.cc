#include "headrace/cli/loading.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "headrace/cli/byte_size.h"
#include "headrace/cli/kept_statistics.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/terminal.h"
#include "headrace/formats/seek_index.h"
#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/cpu_list.h"
#include "headrace/pipeline/whitening.h"

namespace headrace::cli {
namespace {

std::size_t bytes_of(const std::string& size) { return parse_byte_size(size).value_or(0); }

std::shared_ptr<MemoryBudget> make_budget(const std::string& memory) {
  return memory.empty() ? nullptr : std::make_shared<MemoryBudget>(bytes_of(memory));
}

// What a budget or a cache cannot be is the option's; other errors speak for themselves.
Error naming_option(const Error& error, const LoadingOptions& options) {
  if (error.code() != ErrorCode::invalid_argument) return error;
  const std::string_view text = error.what();
  if (text.rfind("a memory budget", 0) == 0)
    return error.with_context("--memory " + options.memory);
  const bool of_cache = text.find(": a cache of ") != std::string_view::npos ||
                        text.find("so a cache of ") != std::string_view::npos;
  return of_cache ? error.with_context("--cache " + options.cache) : error;
}

std::shared_ptr<ComputePool> make_pool(const LoadingOptions& options) {
  if (options.cpus.empty()) return nullptr;
  try {
    return std::make_shared<ComputePool>(
        ComputePoolOptions{.threads = options.threads, .cpus = parse_cpu_list(options.cpus)});
  } catch (const Error& error) {
    throw error.with_context("--cpus " + options.cpus);
  }
}

std::shared_ptr<Trace> open_trace(const std::string& path) {
  if (path.empty()) return nullptr;
  try {
    return std::make_shared<Trace>(path);
  } catch (const Error& error) {
    throw error.with_context("--trace");
  }
}

std::shared_ptr<const SeekIndex> open_index(const std::string& path) {
  if (path.empty()) return nullptr;
  try {
    return SeekIndex::open(path);
  } catch (const Error& error) {
    throw error.with_context("--index");
  }
}

}  // namespace

Loading::Loading(const LoadingOptions& options, std::string report_default)
    : options_(options),
      seek_index_(open_index(options.index)),
      budget_(make_budget(options.memory)),
      pool_(make_pool(options)),
      trace_(open_trace(options.trace)),
      report_file_(options.error_report.empty() ? std::move(report_default)
                                                : options.error_report) {}

Loading::~Loading() {
  if (finished_ || made_.empty()) return;
  try {
    finish();
  } catch (const std::exception& error) {
    warn(error.what());
  }
}

ImageSequenceOptions Loading::sequence_options() const {
  ImageSequenceOptions options;
  options.on_error = parse_error_policy(options_.on_error);
  options.error_budget = parse_error_budget(options_.error_budget);
  options.trace = trace_;
  return options;
}

std::shared_ptr<const ImageSequence> Loading::make(const ImageData& data, const Recipe& recipe,
                                                   const ImageSequenceOptions& options) {
  made_.push_back({make_sequence(data, recipe, options), nullptr});
  return made_.back().sequence;
}

void Loading::use_gpu(const GpuFeedOptions& options, std::shared_ptr<Device> device) {
  gpu_feed_ = options;
  device_ = std::move(device);
}

std::shared_ptr<const ImageSequence> Loading::make_for_device(const ImageData& data,
                                                              const Recipe& recipe,
                                                              const ImageSequenceOptions& options) {
  auto augmenter = gpu_feed_.make_augmenter(recipe, data.dataset->info(), device_.get());
  made_.push_back({make_sequence(data, std::move(augmenter), options), nullptr});
  return made_.back().sequence;
}

std::shared_ptr<const ImageSequence> Loading::make_cached(const ImageData& data,
                                                          const Recipe& recipe,
                                                          ImageSequenceOptions options) {
  options.memory = budget_;
  if (options_.cache == "pixels") options.cache = SampleCache::pixels;
  if (options_.cache == "samples") options.cache = SampleCache::samples;
  try {
    if (options_.cache != "encoded") return make_for_device(data, recipe, options);
    const auto cache = std::make_shared<CachedDataset>(data.dataset, *budget_);
    make_for_device({cache, data.decoder}, recipe, options);
    made_.back().cache = cache;
    return made_.back().sequence;
  } catch (const Error& error) {
    throw naming_option(error, options_);
  }
}

std::shared_ptr<const ImageSequence> Loading::shuffled(const ImageData& data, const Recipe& recipe,
                                                       std::uint64_t seed) {
  const ShuffleChoice choice = parse_shuffle(options_.shuffle);
  ImageSequenceOptions options = sequence_options();
  options.seed = seed;
  options.shuffle = choice.shuffle;
  options.blocks = choice.blocks;
  return make_cached(data, recipe, options);
}

std::shared_ptr<const ImageSequence> Loading::in_order(const ImageData& data,
                                                       const Recipe& recipe) {
  ImageSequenceOptions options = sequence_options();
  options.shuffle = Shuffle::none;
  return make_cached(data, recipe, options);
}

std::shared_ptr<const ImageSequence> Loading::row_by_row(const ImageData& data,
                                                         const Recipe& recipe) {
  ImageSequenceOptions options = sequence_options();
  options.shuffle = Shuffle::none;
  const bool leaves_out = options.on_error == ErrorPolicy::skip;
  if (leaves_out) options.on_error = ErrorPolicy::blank;
  make(data, recipe, options);
  made_.back().leaves_out = leaves_out;
  return made_.back().sequence;
}

LoaderOptions Loading::loader_options(std::int64_t batch_size) const {
  LoaderOptions loader;
  loader.batch_size = batch_size;
  loader.threads = options_.threads;
  loader.pool = pool_;
  loader.prefetch = options_.prefetch;
  loader.io_threads = options_.io_threads;
  loader.read_ahead_bytes = bytes_of(options_.read_ahead);
  loader.memory = budget_;
  loader.trace = trace_;
  gpu_feed_.set(loader, device_);
  return loader;
}

std::unique_ptr<Loader> Loading::make_loader(std::shared_ptr<const Sequence> sequence,
                                             const LoaderOptions& options) const {
  try {
    return std::make_unique<Loader>(std::move(sequence), options);
  } catch (const Error& error) {
    throw naming_option(error, options_);
  }
}

void Loading::fit_mean(Recipe& recipe, const ImageData& data, std::int64_t batch_size,
                       Interrupt& interrupt) {
  if (!recipe.needs_mean()) return;
  const KeptStatistics kept(options_.statistics, data, recipe);
  if (kept.load(recipe)) {
    return note(fmt::format("the mean of these {} images is known from an earlier run: {}",
                            with_commas(data.size()), kept.path().string()));
  }
  bool all_were_read = true;
  fit_in_one_pass(recipe, data, batch_size, interrupt, all_were_read);
  if (kept.path().empty() || !all_were_read) return;
  try {
    kept.save(recipe);
    note("kept for later runs in " + kept.path().string());
  } catch (const Error& error) {
    note(fmt::format("not kept for later runs: {}", error.what()));
  }
}

void Loading::fit_in_one_pass(Recipe& recipe, const ImageData& data, std::int64_t batch_size,
                              Interrupt& interrupt, bool& all_were_read) {
  note(fmt::format("computing the mean of {} images, unaugmented, in one pass",
                   with_commas(data.size())));
  // What it reads is not kept: a cache that is full leaves no room for the loaders to come.
  const std::int64_t batch = budget_ == nullptr ? 256 : batch_size;
  LoaderOptions loader_options = this->loader_options(std::min(batch, data.size()));
  loader_options.memory = make_budget(options_.memory);
  loader_options.device = nullptr;
  loader_options.epochs = 1;
  ImageSequenceOptions sequence = sequence_options();
  sequence.shuffle = Shuffle::none;
  // Blank images would darken the mean.
  if (sequence.on_error == ErrorPolicy::blank) sequence.on_error = ErrorPolicy::skip;
  const auto pass = [&](const auto& fit) {
    const auto loader = make_loader(make(data, recipe.unaugmented(), sequence), loader_options);
    const Interrupt::Action cancel(interrupt, [&loader] { loader->cancel(); });
    guarded([&] { fit(*loader); });
    all_were_read = all_were_read && made_.back().sequence->error_report().replaced == 0;
    made_.pop_back();  // the loaders to come find the same bad images
  };
  pass([&](Loader& loader) { recipe.set_mean(fit_statistics(loader)); });
  if (!std::get<bool>(recipe.get("zca_whitening"))) return;
  pass([&](Loader& loader) {
    recipe.set_whitening(fit_whitening(loader, std::get<double>(recipe.get("rescale")),
                                       std::get<double>(recipe.get("zca_epsilon"))));
  });
}

Error Loading::with_way_out(const Error& error) const {
  const std::string text = error.what();
  const bool of_an_image = std::any_of(made_.begin(), made_.end(), [&text](const Made& made) {
    return text.rfind(made.sequence->dataset().info().name, 0) == 0;  // as its keys begin
  });
  const bool may_be_passed_over = error.code() == ErrorCode::io ||
                                  error.code() == ErrorCode::corrupt_data ||
                                  error.code() == ErrorCode::unsupported;
  if (!of_an_image || !may_be_passed_over || options_.on_error != "fail") return error;
  return {error.code(), text + " (--on-error skip goes on without such images)"};
}

std::vector<NamedReport> Loading::error_reports() const {
  std::vector<NamedReport> reports;
  for (const auto& [sequence, cache, leaves_out] : made_) {
    reports.push_back({sequence->dataset().info().name, sequence->error_report(), leaves_out});
    if (leaves_out) reports.back().report.policy = ErrorPolicy::skip;  // as it was asked for
  }
  return reports;
}

Loading::CacheUse Loading::cache_use() const {
  CacheUse use;
  for (const Made& made : made_) {
    const SampleCacheStats stats = made.sequence->cache_stats();
    use.kept += made.cache != nullptr ? made.cache->kept() : stats.kept;
    use.hits += made.cache != nullptr ? made.cache->hits() : stats.hits;
  }
  return use;
}

std::int64_t Loading::fast_chroma_samples() const {
  std::int64_t sum = 0;
  for (const Made& made : made_) sum += made.sequence->stage_times().planes_samples;
  return sum;
}

std::string Loading::memory_text() const {
  return budget_ == nullptr ? std::string() : budget_->report();
}

void Loading::finish() {
  finished_ = true;
  const std::vector<NamedReport> reports = error_reports();
  const bool any = bad_images(reports) > 0;
  // One that was asked for is written in any case: an old one would mislead.
  if (any || !options_.error_report.empty()) {
    if (!report_file_.empty()) write_file(report_file_, to_csv(reports));
  }
  for (const std::string& line : summary(reports, report_file_)) warn(line);
  if (options_.fast_chroma && fast_chroma_samples() == 0) {
    warn(
        "--fast-chroma made no difference: it is for baseline JPEG files whose colour is stored at "
        "half the resolution, upright, and for recipes of three channels that resample by triangle "
        "or linear and do not turn");
  }
  if (trace_ == nullptr) return;
  trace_->write();
  note(fmt::format("{} events written to {}; open it in ui.perfetto.dev",
                   with_commas(static_cast<std::int64_t>(trace_->events())), options_.trace));
  if (trace_->lost() > 0) {
    warn(fmt::format("{} more found no room in {}: trace a shorter run",
                     with_commas(static_cast<std::int64_t>(trace_->lost())), options_.trace));
  }
}

}  // namespace headrace::cli
