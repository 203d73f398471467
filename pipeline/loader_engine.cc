#include "headrace/pipeline/loader_engine.h"

#include <oneapi/tbb/task_arena.h>

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

// What the device can copy from by itself, as far as it may be had.
SlotPool::Memory pinned_memory(const LoaderOptions& options) {
  if (options.device == nullptr) return {};
  return [device = options.device,
          most = options.pinned_bytes](std::size_t bytes) -> std::shared_ptr<std::byte> {
    std::byte* const memory = bytes <= most ? device->allocate_pinned(bytes) : nullptr;
    if (memory == nullptr) return nullptr;
    return {memory, [device](std::byte* pinned) { device->deallocate_pinned(pinned); }};
  };
}

}  // namespace

Loader::Engine::Engine(std::shared_ptr<const Sequence> sequence, LoaderOptions options)
    : sequence_(std::move(sequence)),
      options_(budgeted(usable_options(std::move(options), sequence_.get()))),
      layout_(options_, *sequence_),
      fingerprint_(sequence_->fingerprint()),
      pool_(sequence_->spec(), layout_.most_rows(), options_.prefetch + options_.leases,
            pinned_memory(options_)),
      jobs_(static_cast<std::size_t>(pool_.slots())),
      cut_at_(options_.start),
      finished_(static_cast<std::size_t>(pool_.slots())),
      taken_to_(options_.start),
      filler_(*sequence_, layout_, jobs_, options_, *this, stop_),
      lane_(options_.pool, *this, options_.threads) {
  layout_.check(options_.start);
  stats_.slot_bytes = pool_.bytes();
  stats_.threads = lane_.threads();
  if (ChunkFiller::reads_ahead(options_, *sequence_)) stats_.io_threads = options_.io_threads;
  pool_.on_return([](void* engine) { static_cast<Engine*>(engine)->kick(); }, this);
  kick();
}

Loader::Engine::~Engine() {
  stop_ = true;
  pool_.stop_notifying();
  filler_.stop();
  lane_.close();
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

// --- The side of the threads that fill ---

void Loader::Engine::kick() noexcept {
  if (kicks_.fetch_add(1, std::memory_order_acq_rel) != 0) return;  // cut() will look again
  try {
    lane_.post_urgent({.kind = cut_batches});
  } catch (...) {
    fail(std::current_exception());
  }
}

void Loader::Engine::run(ComputeLane::Work work) noexcept {
  switch (work.kind) {
    case cut_batches: return cut();
    case fill_chunk: return fill({work.first, work.second});
    default: return refill({work.first, work.second});
  }
}

void Loader::Engine::cut() noexcept {
  int seen = kicks_.load(std::memory_order_acquire);
  while (seen != 0) {
    try {
      while (BatchJob* job = start_job()) {
        const auto chunks = static_cast<std::uint32_t>(job->chunks);
        job->chunks_left.store(chunks, std::memory_order_release);
        const auto number = static_cast<std::uint32_t>(job - jobs_.data());
        if (chunks == 0) {
          finish(*job);  // an empty share
        } else {
          lane_.post({.kind = fill_chunk, .first = number}, chunks);
        }
      }
    } catch (...) {
      fail(std::current_exception());
    }
    seen = kicks_.fetch_sub(seen, std::memory_order_acq_rel) - seen;
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
  run_body(job, chunk, [&] { return filler_.fill(job, chunk); });
}

void Loader::Engine::refill(Chunk chunk) noexcept {
  BatchJob& job = jobs_[chunk.job];
  const ReadPool::Result read = filler_.take_read(job, chunk);
  run_body(job, chunk, [&] { return filler_.refill(job, chunk, read); });
}

void Loader::Engine::chunk_is_here(Chunk chunk) noexcept {
  try {
    lane_.post_urgent({.kind = refill_chunk, .first = chunk.job, .second = chunk.index});
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
      job.finished = Clock::now();
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
  if (lane_.is_own_thread()) {
    refuse(
        "a batch is asked for by a thread of the pool that is to make it, which could wait for "
        "ever: give the loader that is used inside a sequence a ComputePool of its own");
  }
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

bool Loader::Engine::is_ready() const {
  const std::lock_guard lock(mutex_);
  if (cancelled_ || failure_ != nullptr) return true;
  if (layout_.is_over(taken_to_)) return false;
  return layout_.batch_samples(taken_to_) == 0 ||
         finished_[take_ticket_ % finished_.size()] != nullptr;
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
  stats_.ready_seconds += seconds_between(job->finished, Clock::now());
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

void Loader::Engine::set_threads(int threads) {
  threads = usable_threads(threads, *options_.pool);
  const std::lock_guard lock(mutex_);
  lane_.set_threads(threads);
  const Clock::time_point now = Clock::now();
  stats_.thread_seconds += stats_.threads * seconds_between(threads_since_, now);
  threads_since_ = now;
  stats_.threads = lane_.threads();
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
    stats.thread_seconds += stats.threads * seconds_between(threads_since_, Clock::now());
  }
  stats.seconds = seconds_between(created_, Clock::now());
  stats.fill_seconds =
      static_cast<double>(fill_nanoseconds_.load(std::memory_order_relaxed)) * 1e-9;
  const ComputeLane::Stats lane = lane_.stats();
  stats.queued_chunks = static_cast<int>(lane.waiting);
  stats.denied_seconds = lane.denied_seconds;
  const ReadPool::Stats reads = filler_.stats();
  stats.io_seconds = reads.busy_seconds;
  stats.disk_samples = reads.samples;
  stats.queued_reads = reads.queued;
  stats.peak_read_bytes = reads.peak_bytes;
  stats.stages = sequence_->stage_times();
  return stats;
}

}  // namespace headrace
