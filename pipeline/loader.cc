#include "headrace/pipeline/loader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/loader_engine.h"
#include "headrace/pipeline/slot_pool.h"

namespace headrace {

Loader::Loader(std::shared_ptr<const Sequence> sequence, LoaderOptions options)
    : engine_(std::make_unique<Engine>(std::move(sequence), options)) {}
Loader::Loader(Loader&&) noexcept = default;
Loader& Loader::operator=(Loader&&) noexcept = default;
Loader::~Loader() = default;

std::optional<Batch> Loader::next() { return engine_->next(); }
void Loader::cancel() noexcept { engine_->cancel(); }
void Loader::set_threads(int threads) { engine_->set_threads(threads); }
StreamState Loader::state() const { return engine_->state(); }
void Loader::restore(const StreamState& state) { engine_->restore(state); }
const BatchSpec& Loader::spec() const { return engine_->sequence().spec(); }
const Sequence& Loader::sequence() const { return engine_->sequence(); }
const LoaderOptions& Loader::options() const { return engine_->options(); }
std::size_t Loader::memory_bytes() const { return engine_->memory_bytes(); }
LoaderStats Loader::stats() const { return engine_->stats(); }

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
