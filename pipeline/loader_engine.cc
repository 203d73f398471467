#include "headrace/pipeline/loader_engine.h"

#include <algorithm>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::invalid_argument, what);
}

double seconds_between(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

Loader::Engine::Engine(std::shared_ptr<const Sequence> sequence, LoaderOptions options)
    : sequence_(std::move(sequence)),
      options_(budgeted(usable_options(std::move(options), sequence_.get()))),
      layout_(options_, *sequence_),
      fingerprint_(sequence_->fingerprint()),
      pool_(sequence_->spec(), layout_.most_rows(), options_.prefetch + options_.leases),
      jobs_(static_cast<std::size_t>(pool_.slots())),
      cut_at_(options_.start),
      finished_(static_cast<std::size_t>(pool_.slots())),
      taken_to_(options_.start),
      workers_(options_.threads),
      arena_(options_.threads, 0),
      filler_(*sequence_, layout_, jobs_, options_, *this, stop_) {
  layout_.check(options_.start);
  stats_.slot_bytes = pool_.bytes();
  stats_.threads = options_.threads;
  if (ChunkFiller::reads_ahead(options_, *sequence_)) stats_.io_threads = options_.io_threads;
  arena_.execute([this] { make_graph(); });  // where a graph is made is where it runs
  pool_.on_return([](void* engine) { static_cast<Engine*>(engine)->kick(); }, this);
  HandOver::give();
  kick();
}

void Loader::Engine::make_graph() {
  graph_.emplace();
  const auto cut_task =
      hand_over_.task([this](SlotsFree, CutNode::output_ports_type& ports) { cut(ports); });
  const auto fill_task = hand_over_.task([this](Chunk chunk) {
    fill(chunk);
    return tbb::flow::continue_msg();
  });
  const auto refill_task = hand_over_.task([this](Chunk chunk) {
    refill(chunk);
    return tbb::flow::continue_msg();
  });
  const auto threads = static_cast<std::size_t>(options_.threads);
  cut_.emplace(*graph_, tbb::flow::serial, cut_task);
  fill_.emplace(*graph_, threads, fill_task);
  // Before what comes later in the stream.
  refill_.emplace(*graph_, threads, refill_task, tbb::flow::node_priority_t(1));
  tbb::flow::make_edge(tbb::flow::output_port<0>(*cut_), *fill_);
}

Loader::Engine::~Engine() {
  stop_ = true;
  pool_.stop_notifying();
  filler_.stop();
  graph_->wait_for_all();
  hand_over_.take_back();
}

// Takes the memory that the options' budget is to bound.
LoaderOptions Loader::Engine::budgeted(LoaderOptions options) {
  if (options.memory == nullptr) return options;
  constexpr std::size_t least_to_read = std::size_t{1} << 20;
  const bool reads = ChunkFiller::reads_ahead(options, *sequence_);
  const std::size_t bytes =
      SlotPool::bytes_needed(sequence_->spec(), StreamLayout(options, *sequence_).most_rows(),
                             options.prefetch + options.leases);
  slot_memory_ = options.memory->take("slots of batches", bytes, reads ? least_to_read : 0);
  if (reads) {
    const std::size_t most = std::max(options.memory->left() / 4, least_to_read);
    options.read_ahead_bytes = std::min(options.read_ahead_bytes, most);
    read_memory_ = options.memory->take("reading ahead", options.read_ahead_bytes);
  }
  return options;
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
    while (BatchJob* job = start_job()) {
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
BatchJob* Loader::Engine::start_job() {
  {
    // Before a slot is taken: one taken in vain would come back, and call for this again.
    const std::lock_guard lock(mutex_);
    if (stop_ || layout_.is_over(layout_.batch_from(cut_at_))) return nullptr;
  }
  auto slot = pool_.try_take();
  if (slot == nullptr) return nullptr;
  BatchJob& job = jobs_[static_cast<std::size_t>(slot->index())];
  const std::lock_guard lock(mutex_);
  const Position at = layout_.batch_from(cut_at_);  // again: restore() may have come between
  if (layout_.is_over(at)) return nullptr;
  job.slot = std::move(slot);
  job.ticket = cut_ticket_++;
  job.generation = generation_.load(std::memory_order_relaxed);
  job.begin = at;
  job.count = layout_.batch_samples(at);
  job.share = layout_.share_of_batch(job.count);
  job.chunks = layout_.chunks_of(job.share.rows);
  job.error = nullptr;
  job.failed_row.store(BatchJob::none_failed, std::memory_order_relaxed);
  cut_at_ = {at.epoch, at.sample + job.count};
  ++in_flight_;
  if (starved_since_) {
    stats_.starved_seconds += seconds_between(*starved_since_, Clock::now());
    starved_since_.reset();
  }
  return &job;
}

bool Loader::Engine::is_wanted(std::uint64_t generation) const noexcept {
  return !stop_.load(std::memory_order_relaxed) &&
         generation == generation_.load(std::memory_order_relaxed);
}

// Runs `make` for a chunk that is still wanted, and keeps what it throws. `make` returns whether
// the chunk is done with.
template <class Make>
void Loader::Engine::run_body(BatchJob& job, Chunk chunk, Make make) noexcept {
  const Span rows = job.rows_of(chunk);
  bool done = true;
  // Rows below one that failed are made all the same: the lowest error is the one that is told.
  if (is_wanted(job.generation) && rows.first < job.failed_row.load(std::memory_order_relaxed)) {
    const Clock::time_point start = Clock::now();
    const Trace::Span event(options_.trace.get(), "fill",
                            {.epoch = static_cast<std::int64_t>(job.begin.epoch),
                             .first = job.begin.sample + job.share.first + rows.first,
                             .count = rows.count});
    try {
      // A sequence that waits for parallel work of its own shall not be given another chunk to do
      // meanwhile.
      tbb::this_task_arena::isolate([&] { done = make(); });
    } catch (...) {
      keep_error(job, rows.first);
    }
    fill_nanoseconds_.fetch_add(std::chrono::nanoseconds(Clock::now() - start).count(),
                                std::memory_order_relaxed);
  }
  if (done && job.chunks_left.fetch_sub(1, std::memory_order_acq_rel) == 1) finish(job);
}

void Loader::Engine::fill(Chunk chunk) noexcept {
  BatchJob& job = jobs_[chunk.job];
  static_cast<void>(job.chunks_left.load(std::memory_order_acquire));  // see BatchJob
  run_body(job, chunk, [&] { return filler_.fill(job, chunk); });
}

void Loader::Engine::refill(Chunk chunk) noexcept {
  BatchJob& job = jobs_[chunk.job];
  const ReadPool::Result read = filler_.take_read(job, chunk);
  run_body(job, chunk, [&] { return filler_.refill(job, chunk, read); });
}

void Loader::Engine::chunk_is_here(Chunk chunk) noexcept {
  try {
    refill_->try_put(chunk);
  } catch (...) {
    fail(std::current_exception());
  }
}

void Loader::Engine::keep_error(BatchJob& job, std::int64_t row) noexcept {
  const std::lock_guard lock(mutex_);
  if (row >= job.failed_row.load(std::memory_order_relaxed)) return;
  job.failed_row.store(row, std::memory_order_relaxed);
  job.error = std::current_exception();
}

void Loader::Engine::finish(BatchJob& job) noexcept {
  std::shared_ptr<Slot> unwanted;  // given back after mutex_ is released
  {
    const std::lock_guard lock(mutex_);
    if (is_wanted(job.generation)) {
      finished_[job.ticket % finished_.size()] = &job;
      trace_ready();
    } else {
      unwanted = std::move(job.slot);
      job.error = nullptr;
    }
    --in_flight_;
    if (in_flight_ == 0 && !layout_.is_over(layout_.batch_from(cut_at_)))
      starved_since_ = Clock::now();
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
  if (layout_.is_over(taken_to_)) return std::nullopt;
  if (layout_.batch_samples(taken_to_) == 0) {
    taken_to_ = {taken_to_.epoch + 1, 0};
    epoch_begins_ = true;
    return std::nullopt;
  }
  BatchJob& job = *wait_for_batch(lock);
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

BatchJob* Loader::Engine::wait_for_batch(std::unique_lock<std::mutex>& lock) {
  BatchJob*& place = finished_[take_ticket_ % finished_.size()];
  const Clock::time_point start = Clock::now();
  const Trace::Span event(options_.trace.get(), "wait for batch");
  wake_consumer_.wait(lock, [&] { return place != nullptr || cancelled_ || failure_ != nullptr; });
  throw_if_ended();
  record_wait(start);
  ++take_ticket_;
  BatchJob* const job = std::exchange(place, nullptr);
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
  layout_.check(state.position);
  std::vector<std::shared_ptr<Slot>> unwanted;  // given back after mutex_ is released
  unwanted.reserve(finished_.size());
  {
    const std::lock_guard lock(mutex_);
    const auto generation = generation_.fetch_add(1, std::memory_order_relaxed) + 1;
    filler_.restart(generation);
    for (BatchJob*& job : finished_) {
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
  const ReadPool::Stats reads = filler_.stats();
  stats.io_seconds = reads.busy_seconds;
  stats.disk_samples = reads.samples;
  stats.queued_reads = reads.queued;
  stats.peak_read_bytes = reads.peak_bytes;
  stats.stages = sequence_->stage_times();
  return stats;
}

}  // namespace headrace
