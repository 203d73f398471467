#include "headrace/pipeline/loader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "headrace/pipeline/device_feed.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/loader_engine.h"
#include "headrace/pipeline/slot_pool.h"

namespace headrace {

namespace {

DeviceFeedOptions feed_options(const LoaderOptions& options) {
  if (options.leases < 1 || options.device_ahead < 1 || options.device_ahead > 1024) {
    throw Error(ErrorCode::invalid_argument,
                "a loader for a GPU needs leases, and 1 to 1,024 batches ahead on it, not " +
                    std::to_string(options.leases) + " and " +
                    std::to_string(options.device_ahead));
  }
  return {.leases = options.leases, .ahead = options.device_ahead};
}

}  // namespace

Loader::Loader(std::shared_ptr<const Sequence> sequence, LoaderOptions options) {
  if (options.device == nullptr) {
    engine_ = std::make_unique<Engine>(std::move(sequence), options);
    return;
  }
  DeviceFeedOptions feed = feed_options(options);
  options.leases = DeviceFeed::places(feed);
  engine_ = std::make_unique<Engine>(std::move(sequence), options);
  feed.batch_size = engine_->most_rows();
  Engine* const engine = engine_.get();
  feed_ = std::make_unique<DeviceFeed>(
      options.device, engine->sequence().spec(), engine->sequence().device_source(),
      DeviceFeed::Source{[engine] { return engine->next(); },
                         [engine] { return engine->is_ready(); },
                         [engine] { return engine->state().position; }},
      feed);
}
Loader::Loader(Loader&&) noexcept = default;
Loader& Loader::operator=(Loader&&) noexcept = default;
Loader::~Loader() = default;

std::optional<Batch> Loader::next() { return feed_ ? feed_->next() : engine_->next(); }
void Loader::cancel() noexcept {
  if (feed_) feed_->cancel();
  engine_->cancel();
}
void Loader::set_threads(int threads) { engine_->set_threads(threads); }
StreamState Loader::state() const {
  StreamState state = engine_->state();
  if (feed_) state.position = feed_->position();
  return state;
}
void Loader::restore(const StreamState& state) {
  engine_->restore(state);
  if (feed_) feed_->restart();
}
const BatchSpec& Loader::spec() const { return feed_ ? feed_->spec() : engine_->sequence().spec(); }
const Sequence& Loader::sequence() const { return engine_->sequence(); }
const LoaderOptions& Loader::options() const { return engine_->options(); }
std::size_t Loader::memory_bytes() const { return engine_->memory_bytes(); }
LoaderStats Loader::stats() const { return engine_->stats(); }

std::string Loader::device_report() const {
  if (!feed_) return "";
  const std::string slots = to_megabytes(engine_->memory_bytes());
  if (engine_->is_pinned()) return feed_->text() + "; " + slots + " of pinned memory";
  return feed_->text() + "; the " + slots + " of the loader's batches are not pinned, " +
         (engine_->memory_bytes() > options().pinned_bytes
              ? "since " + to_megabytes(options().pinned_bytes) + " may be"
              : "since the system gives no such memory") +
         ": copies to the GPU are slower";
}

std::string Loader::memory_report() const {
  const LoaderStats stats = this->stats();
  const int slots = options().prefetch + options().leases;
  std::string text = std::to_string(slots) + " batches of " +
                     std::to_string(std::min(options().batch_size, sequence().size())) +
                     " samples need " + to_megabytes(stats.slot_bytes);
  if (stats.io_threads > 0) {
    text += "; reading ahead may take " + to_megabytes(options().read_ahead_bytes) +
            " and has taken " + to_megabytes(stats.peak_read_bytes);
  }
  if (options().memory != nullptr) text += "; budget: " + options().memory->report();
  return text;
}

std::int64_t Loader::batches_per_epoch() const {
  const std::int64_t whole = sequence().size() / options().batch_size;
  const std::int64_t rest =
      shared_samples(sequence().size() % options().batch_size, options().shard);
  return whole + (rest > 0 && !options().drop_last ? 1 : 0);
}

Batch make_batch(const Sequence& sequence, std::uint64_t epoch, std::int64_t index,
                 std::int64_t batch_size) {
  const std::int64_t size = sequence.size();
  // By division: index * batch_size may be more than there are numbers.
  if (batch_size <= 0 || index < 0 || size <= 0 || index > (size - 1) / batch_size) {
    throw Error(ErrorCode::invalid_argument, "there is no batch " + std::to_string(index) + " of " +
                                                 std::to_string(batch_size) + " in an epoch of " +
                                                 std::to_string(size) + " samples");
  }
  const std::int64_t first = index * batch_size;
  const std::int64_t count = std::min(batch_size, size - first);
  SlotPool pool(sequence.spec(), count, 1);
  auto slot = pool.try_take();
  sequence.fill(epoch, first, slot->rows(count));
  slot->describe(count, {epoch, first}, {epoch, first + count});
  return pool.lease(std::move(slot));
}

}  // namespace headrace
