#include "headrace/pipeline/loader_engine.h"

#include <algorithm>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/sample_reader.h"

namespace headrace {
namespace {

// Released by an engine that was made, and acquired by each body. oneTBB's hand-over of work to its
// threads does so too, but out of ThreadSanitizer's sight.
std::atomic<std::uint64_t> engines_made{0};

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::invalid_argument, what);
}

double seconds_between(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// Between 1 and a batch, and so that the chunks of a batch can be numbered in 32 bits.
std::int64_t usable_grain(std::int64_t wanted, std::int64_t batch_size) {
  return std::clamp(wanted, 1 + batch_size / (1 << 30), batch_size);
}

// Of any rank's share of a batch; at least one, for there are no slots without rows.
std::int64_t most_rows(std::int64_t samples, const Shard& shard) {
  return (samples + shard.world_size - 1) / shard.world_size;
}

const Sequence& usable(const Sequence* sequence) {
  if (sequence == nullptr) refuse("a loader needs a sequence");
  if (sequence->size() <= 0) refuse("a loader needs a sequence that is not empty");
  return *sequence;
}

void check_drop(const LoaderOptions& options, std::int64_t size) {
  const std::int64_t ranks = options.shard.world_size;
  if (options.batch_size % ranks != 0) {
    const std::int64_t less = options.batch_size - options.batch_size % ranks;
    refuse("a batch of " + std::to_string(options.batch_size) + " samples is no multiple of " +
           std::to_string(ranks) + " ranks: make it " + std::to_string(less > 0 ? less : ranks) +
           ", or pad shares instead of dropping samples");
  }
  if (size < ranks) {
    refuse("an epoch of " + std::to_string(size) + " samples has none for each of " +
           std::to_string(ranks) + " ranks: pad shares instead of dropping samples");
  }
}

LoaderOptions checked(LoaderOptions options, const Sequence& sequence) {
  constexpr int most_threads = 4096;
  constexpr int most_batches = 1 << 20;
  const auto need = [](bool good, const char* name, std::int64_t value, const char* range) {
    if (!good) refuse(std::string(name) + " " + std::to_string(value) + ": it must be " + range);
  };
  need(options.batch_size > 0, "batch size", options.batch_size, "positive");
  need(options.threads >= 0 && options.threads <= most_threads, "threads", options.threads,
       "0 (one for each core) to 4,096");
  need(options.prefetch > 0 && options.prefetch <= most_batches, "prefetch", options.prefetch,
       "1 to 1,048,576");
  need(options.leases > 0 && options.leases <= most_batches, "leases", options.leases,
       "1 to 1,048,576");
  need(options.io_threads >= 0 && options.io_threads <= most_threads, "I/O threads",
       options.io_threads, "0 (reading where images are decoded) to 4,096");
  if (options.epochs && *options.epochs == 0) refuse("a stream of 0 epochs: ask for at least 1");
  if (options.drop_last && sequence.size() < options.batch_size) {
    refuse("an epoch of " + std::to_string(sequence.size()) +
           " samples does not fill one batch of " + std::to_string(options.batch_size) +
           ": make batches smaller, or keep the last one");
  }
  validate(options.shard);
  if (options.shard.mode == ShardMode::drop) check_drop(options, sequence.size());
  if (options.threads == 0) options.threads = usable_cores();
  return options;
}

}  // namespace

Loader::Engine::Engine(std::shared_ptr<const Sequence> sequence, LoaderOptions options)
    : sequence_(std::move(sequence)),
      options_(budgeted(checked(options, usable(sequence_.get())))),
      size_(sequence_->size()),
      grain_(usable_grain(sequence_->grain(), options_.batch_size)),
      fingerprint_(sequence_->fingerprint()),
      reader_(options_.io_threads > 0 ? sequence_->reader() : nullptr),
      pool_(sequence_->spec(), most_rows(std::min(options_.batch_size, size_), options_.shard),
            options_.prefetch + options_.leases),
      jobs_(static_cast<std::size_t>(pool_.slots())),
      cut_at_(options_.start),
      finished_(static_cast<std::size_t>(pool_.slots())),
      taken_to_(options_.start),
      workers_(options_.threads),
      arena_(options_.threads, 0) {
  check(options_.start);
  stats_.slot_bytes = pool_.bytes();
  stats_.threads = options_.threads;
  if (reader_ != nullptr) {
    const std::int64_t rows = most_rows(std::min(options_.batch_size, size_), options_.shard);
    for (Job& job : jobs_) {
      job.loads = std::vector<Load>(static_cast<std::size_t>((rows + grain_ - 1) / grain_));
    }
    reads_.emplace(*reader_, options_.io_threads, options_.read_ahead_bytes,
                   static_cast<ReadPool::Client&>(*this), stop_);
    stats_.io_threads = options_.io_threads;
  }
  arena_.execute([this] {  // where a graph is made is where it runs
    graph_.emplace();
    cut_.emplace(*graph_, tbb::flow::serial, [this](SlotsFree, CutNode::output_ports_type& ports) {
      static_cast<void>(engines_made.load(std::memory_order_acquire));
      cut(ports);
      bodies_run_.fetch_add(1, std::memory_order_release);
    });
    const auto threads = static_cast<std::size_t>(options_.threads);
    fill_.emplace(*graph_, threads, [this](Chunk chunk) {
      static_cast<void>(engines_made.load(std::memory_order_acquire));
      fill(chunk);
      bodies_run_.fetch_add(1, std::memory_order_release);
      return tbb::flow::continue_msg();
    });
    const auto body = [this](Chunk chunk) {
      static_cast<void>(engines_made.load(std::memory_order_acquire));
      refill(chunk);
      bodies_run_.fetch_add(1, std::memory_order_release);
      return tbb::flow::continue_msg();
    };
    // Before what comes later in the stream.
    refill_.emplace(*graph_, threads, body, tbb::flow::node_priority_t(1));
    tbb::flow::make_edge(tbb::flow::output_port<0>(*cut_), *fill_);
  });
  pool_.on_return([](void* engine) { static_cast<Engine*>(engine)->kick(); }, this);
  engines_made.fetch_add(1, std::memory_order_release);
  kick();
}

Loader::Engine::~Engine() {
  stop_ = true;
  pool_.stop_notifying();
  if (reads_) reads_->stop();
  graph_->wait_for_all();
  static_cast<void>(bodies_run_.load(std::memory_order_acquire));
}

// Takes the memory that the options' budget is to bound.
LoaderOptions Loader::Engine::budgeted(LoaderOptions options) {
  if (options.memory == nullptr) return options;
  constexpr std::size_t least_to_read = std::size_t{1} << 20;
  const bool reads = options.io_threads > 0 && sequence_->reader() != nullptr;
  const std::int64_t rows =
      most_rows(std::min(options.batch_size, sequence_->size()), options.shard);
  const std::size_t slots =
      SlotPool::bytes_needed(sequence_->spec(), rows, options.prefetch + options.leases);
  slot_memory_ = options.memory->take("slots of batches", slots, reads ? least_to_read : 0);
  if (reads) {
    const std::size_t most = std::max(options.memory->left() / 4, least_to_read);
    options.read_ahead_bytes = std::min(options.read_ahead_bytes, most);
    read_memory_ = options.memory->take("reading ahead", options.read_ahead_bytes);
  }
  return options;
}

std::int64_t Loader::Engine::batch_samples(Position at) const {
  const std::int64_t samples = std::min(options_.batch_size, size_ - at.sample);
  if (options_.drop_last && samples < options_.batch_size) return 0;
  return shared_samples(samples, options_.shard);
}

void Loader::Engine::check(Position position) const {
  if (position.sample < 0 || position.sample > size_) {
    refuse("the stream cannot start at sample " + std::to_string(position.sample) +
           " of an epoch of " + std::to_string(size_));
  }
  if (options_.epochs && position.epoch > *options_.epochs) {
    refuse("the stream cannot start in epoch " + std::to_string(position.epoch) +
           ": it ends before epoch " + std::to_string(*options_.epochs) + "; raise epochs");
  }
}

// --- The graph's side ---

void Loader::Engine::kick() noexcept {
  if (kicked_.exchange(true)) return;  // cut() has yet to begin, and will see the slot
  try {
    cut_->try_put(SlotsFree());
  } catch (...) {
    fail(std::current_exception());
  }
}

void Loader::Engine::cut(CutNode::output_ports_type& ports) noexcept {
  kicked_.exchange(false);
  try {
    while (Job* job = start_job()) {
      const std::int64_t chunks = job->chunks;
      job->chunks_left.store(chunks, std::memory_order_release);
      const auto number = static_cast<std::uint32_t>(job - jobs_.data());
      for (std::int64_t i = 0; i < chunks; ++i) {
        std::get<0>(ports).try_put({number, static_cast<std::uint32_t>(i)});
      }
      if (chunks == 0) finish(*job);  // an empty share
    }
  } catch (...) {
    fail(std::current_exception());
  }
}

// The next batch in a free slot; null if there is no such slot or the stream is over.
Loader::Engine::Job* Loader::Engine::start_job() {
  {
    // Before a slot is taken: one taken in vain would come back, and call for this again.
    const std::lock_guard lock(mutex_);
    if (stop_ || is_over(next_to_cut())) return nullptr;
  }
  auto slot = pool_.try_take();
  if (slot == nullptr) return nullptr;
  Job& job = jobs_[static_cast<std::size_t>(slot->index())];
  const std::lock_guard lock(mutex_);
  const Position at = next_to_cut();  // again: restore() may have come between
  if (is_over(at)) return nullptr;
  job.slot = std::move(slot);
  job.ticket = cut_ticket_++;
  job.generation = generation_.load(std::memory_order_relaxed);
  job.begin = at;
  job.count = batch_samples(at);
  job.share = share_of(job.count, options_.shard);
  job.chunks = (job.share.rows + grain_ - 1) / grain_;
  job.error = nullptr;
  job.failed_row.store(Job::none_failed, std::memory_order_relaxed);
  cut_at_ = {at.epoch, at.sample + job.count};
  ++in_flight_;
  if (starved_since_) {
    stats_.starved_seconds += seconds_between(*starved_since_, Clock::now());
    starved_since_.reset();
  }
  return &job;
}

Position Loader::Engine::next_to_cut() const {
  const bool epoch_is_over = !is_over(cut_at_) && batch_samples(cut_at_) == 0;
  return epoch_is_over ? Position{cut_at_.epoch + 1, 0} : cut_at_;
}

bool Loader::Engine::is_wanted(const Job& job) const {
  return !stop_.load(std::memory_order_relaxed) &&
         job.generation == generation_.load(std::memory_order_relaxed);
}

// Chunks of equal size, rather than full ones and a rest.
Loader::Engine::Span Loader::Engine::rows_of(const Job& job, Chunk chunk) {
  const std::int64_t rows = job.share.rows / job.chunks;
  const std::int64_t longer = job.share.rows % job.chunks;  // so many of them, by one
  return {rows * chunk.index + std::min<std::int64_t>(chunk.index, longer),
          rows + (chunk.index < longer ? 1 : 0)};
}

// Runs `make` for a chunk that is still wanted, and keeps what it throws. `make` returns whether
// the chunk is done with.
template <class Make>
void Loader::Engine::run_body(Job& job, Span span, Make make) noexcept {
  bool done = true;
  // Rows below one that failed are made all the same: the lowest error is the one that is told.
  if (is_wanted(job) && span.first < job.failed_row.load(std::memory_order_relaxed)) {
    const Clock::time_point start = Clock::now();
    const Trace::Span event(options_.trace.get(), "fill",
                            {.epoch = static_cast<std::int64_t>(job.begin.epoch),
                             .first = job.begin.sample + job.share.first + span.first,
                             .count = span.count});
    try {
      // A sequence that waits for parallel work of its own shall not be given another chunk to do
      // meanwhile.
      tbb::this_task_arena::isolate([&] { done = make(); });
    } catch (...) {
      keep_error(job, span.first);
    }
    fill_nanoseconds_.fetch_add(std::chrono::nanoseconds(Clock::now() - start).count(),
                                std::memory_order_relaxed);
  }
  if (done && job.chunks_left.fetch_sub(1, std::memory_order_acq_rel) == 1) finish(job);
}

void Loader::Engine::fill(Chunk chunk) noexcept {
  Job& job = jobs_[chunk.job];
  static_cast<void>(job.chunks_left.load(std::memory_order_acquire));  // see Job
  const Span span = rows_of(job, chunk);
  run_body(job, span, [&] {
    if (!reads_) {
      fill_rows(job, span.first, span.count);
      return true;
    }
    reads_->advance(job.generation, {job.begin, span.first + span.count});
    job.loads[chunk.index].filled = 0;
    return fill_or_read(job, chunk, span);
  });
}

// Fills the rest of a chunk; false if some of it is not in memory, and is being read.
bool Loader::Engine::fill_or_read(Job& job, Chunk chunk, Span span) {
  Load& load = job.loads[chunk.index];
  while (load.filled < span.count) {
    const std::int64_t row = span.first + load.filled;
    const Span run = run_of(job, span, row);
    const Rows rows = job.slot->rows(job.share.rows).part(row, run.count);
    const std::int64_t filled = reader_->fill_ready(job.begin.epoch, run.first, rows);
    load.filled += filled;
    if (filled == run.count) continue;
    const ReadPool::Task task{
        {job.begin, row + filled}, chunk.job,         chunk.index, job.generation,
        run.first + filled,        run.count - filled};
    load.here.store(false, std::memory_order_release);
    reads_->read(task);
    return false;
  }
  return true;
}

// The samples, one after the other in their epoch, that belong into the rows of a chunk from `row`
// on.
Loader::Engine::Span Loader::Engine::run_of(const Job& job, Span chunk, std::int64_t row) {
  if (row >= job.share.samples) return {job.begin.sample + job.share.repeated, 1};
  const std::int64_t end = std::min(chunk.first + chunk.count, job.share.samples);
  return {job.begin.sample + job.share.first + row, end - row};
}

bool Loader::Engine::is_wanted(const ReadPool::Task& task) const noexcept {
  return !stop_.load(std::memory_order_relaxed) &&
         task.generation == generation_.load(std::memory_order_relaxed);
}

void Loader::Engine::take(const ReadPool::Task& task, ReadPool::Result result) noexcept {
  Load& load = jobs_[task.job].loads[task.chunk];
  load.result = std::move(result);
  load.here.store(true, std::memory_order_release);
  try {
    refill_->try_put({task.job, task.chunk});
  } catch (...) {
    load.result = {};
    fail(std::current_exception());
  }
}

void Loader::Engine::refill(Chunk chunk) noexcept {
  Job& job = jobs_[chunk.job];
  Load& load = job.loads[chunk.index];
  static_cast<void>(load.here.load(std::memory_order_acquire));
  const Span span = rows_of(job, chunk);
  const ReadPool::Result result = std::exchange(load.result, {});
  run_body(job, span, [&] {
    if (result.error != nullptr) std::rethrow_exception(result.error);
    fill_loaded(job, span, load, result);
    return fill_or_read(job, chunk, span);
  });
}

void Loader::Engine::fill_loaded(const Job& job, Span span, Load& load,
                                 const ReadPool::Result& result) const {
  const std::int64_t row = span.first + load.filled;
  const Span run = run_of(job, span, row);
  const Rows rows = job.slot->rows(job.share.rows).part(row, run.count);
  if (result.samples == nullptr) {
    sequence_->fill(job.begin.epoch, run.first, rows);
  } else {
    reader_->fill_loaded(job.begin.epoch, run.first, rows, *result.samples);
  }
  load.filled += run.count;
}

ReadPool::Piece Loader::Engine::piece_at(ReadPool::Place place) const noexcept {
  // A rank whose shares are all empty would look for ever.
  for (int looks = 0; looks < 8 && !is_over(place.batch); ++looks) {
    const std::int64_t samples = batch_samples(place.batch);
    const Share share = share_of(samples, options_.shard);
    if (place.row < share.samples) {
      const std::int64_t count = std::min(grain_, share.samples - place.row);
      return {place.batch.epoch,
              place.batch.sample + share.first + place.row,
              count,
              {place.batch, place.row + count}};
    }
    if (samples > 0) {
      place = {{place.batch.epoch, place.batch.sample + samples}, 0};
    } else {
      place = {{place.batch.epoch + 1, 0}, 0};
    }
  }
  return {0, 0, 0, place};
}

void Loader::Engine::fill_rows(const Job& job, std::int64_t first, std::int64_t count) const {
  const Rows rows = job.slot->rows(job.share.rows);
  const auto [epoch, begin] = job.begin;
  const std::int64_t samples = std::min(count, job.share.samples - first);
  if (samples > 0) {
    sequence_->fill(epoch, begin + job.share.first + first, rows.part(first, samples));
  }
  if (samples < count) {
    sequence_->fill(epoch, begin + job.share.repeated, rows.part(job.share.samples, 1));
  }
}

void Loader::Engine::keep_error(Job& job, std::int64_t row) noexcept {
  const std::lock_guard lock(mutex_);
  if (row >= job.failed_row.load(std::memory_order_relaxed)) return;
  job.failed_row.store(row, std::memory_order_relaxed);
  job.error = std::current_exception();
}

void Loader::Engine::finish(Job& job) noexcept {
  std::shared_ptr<Slot> unwanted;  // given back after mutex_ is released
  {
    const std::lock_guard lock(mutex_);
    if (is_wanted(job)) {
      finished_[job.ticket % finished_.size()] = &job;
      trace_ready();
    } else {
      unwanted = std::move(job.slot);
      job.error = nullptr;
    }
    --in_flight_;
    if (in_flight_ == 0 && !is_over(next_to_cut())) starved_since_ = Clock::now();
  }
  wake_consumer_.notify_one();
}

void Loader::Engine::fail(std::exception_ptr why) noexcept {
  stop_ = true;
  {
    const std::lock_guard lock(mutex_);
    if (failure_ == nullptr) failure_ = std::move(why);
  }
  wake_consumer_.notify_one();
}

// --- The consumer's side ---

std::optional<Batch> Loader::Engine::next() {
  std::unique_lock lock(mutex_);
  throw_if_ended();
  if (pool_.leased() >= options_.leases) {
    refuse("the consumer holds " + std::to_string(options_.leases) +
           " batches, all that LoaderOptions::leases allows: release one before asking for the "
           "next, or allow more");
  }
  if (is_over(taken_to_)) return std::nullopt;
  if (batch_samples(taken_to_) == 0) {
    taken_to_ = {taken_to_.epoch + 1, 0};
    epoch_begins_ = true;
    return std::nullopt;
  }
  Job& job = *wait_for_batch(lock);
  std::shared_ptr<Slot> slot = std::move(job.slot);
  const std::exception_ptr error = std::exchange(job.error, nullptr);
  taken_to_ = {job.begin.epoch, job.begin.sample + job.count};
  slot->describe(job.share.rows, job.begin, taken_to_, job.share.samples);
  if (error == nullptr) {
    ++stats_.batches;
    stats_.samples += job.share.samples;
  }
  lock.unlock();
  if (error != nullptr) {
    slot.reset();
    std::rethrow_exception(error);
  }
  return pool_.lease(std::move(slot));
}

Loader::Engine::Job* Loader::Engine::wait_for_batch(std::unique_lock<std::mutex>& lock) {
  Job*& place = finished_[take_ticket_ % finished_.size()];
  const Clock::time_point start = Clock::now();
  const Trace::Span event(options_.trace.get(), "wait for batch");
  wake_consumer_.wait(lock, [&] { return place != nullptr || cancelled_ || failure_ != nullptr; });
  throw_if_ended();
  record_wait(start);
  ++take_ticket_;
  Job* const job = std::exchange(place, nullptr);
  trace_ready();
  return job;
}

void Loader::Engine::throw_if_ended() const {
  if (cancelled_) throw Error(ErrorCode::cancelled, "the loader was cancelled");
  if (failure_ != nullptr) std::rethrow_exception(failure_);
}

void Loader::Engine::record_wait(Clock::time_point start) {
  const Clock::time_point now = Clock::now();
  const double seconds = seconds_between(start, now);
  stats_.wait_seconds += seconds;
  if (std::exchange(first_taken_, true)) {
    waits_.add(seconds);
  } else {
    stats_.first_batch_seconds = seconds_between(created_, now);
  }
  if (std::exchange(epoch_begins_, false)) {
    stats_.max_epoch_gap_seconds = std::max(stats_.max_epoch_gap_seconds, seconds);
  }
}

void Loader::Engine::cancel() noexcept {
  stop_ = true;
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
  }
  wake_consumer_.notify_one();
}

StreamState Loader::Engine::state() const {
  const std::lock_guard lock(mutex_);
  return {taken_to_, fingerprint_};
}

void Loader::Engine::restore(const StreamState& state) {
  if (state.fingerprint != fingerprint_) {
    refuse(
        "the saved position is of another stream: the data, the recipe or the seed differ "
        "(saved " +
        to_hex(state.fingerprint) + ", now " + to_hex(fingerprint_) + ")");
  }
  check(state.position);
  std::vector<std::shared_ptr<Slot>> unwanted;  // given back after mutex_ is released
  unwanted.reserve(finished_.size());
  {
    const std::lock_guard lock(mutex_);
    const auto generation = generation_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (reads_) reads_->restart(generation);
    for (Job*& job : finished_) {
      if (job == nullptr) continue;
      job->error = nullptr;
      unwanted.push_back(std::move(job->slot));
      job = nullptr;
    }
    take_ticket_ = cut_ticket_;
    cut_at_ = state.position;
    taken_to_ = state.position;
    epoch_begins_ = false;
  }
  unwanted.clear();
  kick();  // the stream may have been over
}

int Loader::Engine::ready_batches() const {
  return static_cast<int>(finished_.size()) -
         static_cast<int>(std::count(finished_.begin(), finished_.end(), nullptr));
}

void Loader::Engine::trace_ready() const {
  if (options_.trace != nullptr) options_.trace->count("ready batches", ready_batches());
}

LoaderStats Loader::Engine::stats() const {
  LoaderStats stats;
  {
    const std::lock_guard lock(mutex_);
    stats = stats_;
    stats.wait_p50_seconds = waits_.percentile(0.50);
    stats.wait_p99_seconds = waits_.percentile(0.99);
    if (starved_since_) stats.starved_seconds += seconds_between(*starved_since_, Clock::now());
    stats.ready_batches = ready_batches();
  }
  stats.seconds = seconds_between(created_, Clock::now());
  stats.fill_seconds =
      static_cast<double>(fill_nanoseconds_.load(std::memory_order_relaxed)) * 1e-9;
  if (reads_) {
    const ReadPool::Stats reads = reads_->stats();
    stats.io_seconds = reads.busy_seconds;
    stats.disk_samples = reads.samples;
    stats.queued_reads = reads.queued;
    stats.peak_read_bytes = reads.peak_bytes;
  }
  stats.stages = sequence_->stage_times();
  return stats;
}

}  // namespace headrace
