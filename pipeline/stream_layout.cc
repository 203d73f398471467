#include "headrace/pipeline/stream_layout.h"

#include <algorithm>
#include <string>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr int most_threads = 4096;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::invalid_argument, what);
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

// Between 1 and a batch, and so that the chunks of a batch can be numbered in 32 bits.
std::int64_t usable_grain(std::int64_t wanted, std::int64_t batch_size) {
  return std::clamp(wanted, 1 + batch_size / (1 << 30), batch_size);
}

std::int64_t largest_share(std::int64_t samples, const Shard& shard) {
  return (samples + shard.world_size - 1) / shard.world_size;
}

}  // namespace

int usable_threads(int threads, const ComputePool& pool) {
  if (threads < 0 || threads > most_threads) {
    refuse("threads " + std::to_string(threads) + ": it must be 0 (one for each core) to 4,096");
  }
  return threads == 0 ? pool.threads() : threads;
}

LoaderOptions usable_options(LoaderOptions options, const Sequence* sequence) {
  constexpr int most_batches = 1 << 20;
  if (sequence == nullptr) refuse("a loader needs a sequence");
  if (sequence->size() <= 0) refuse("a loader needs a sequence that is not empty");
  const auto need = [](bool good, const char* name, std::int64_t value, const char* range) {
    if (!good) refuse(std::string(name) + " " + std::to_string(value) + ": it must be " + range);
  };
  need(options.batch_size > 0, "batch size", options.batch_size, "positive");
  need(options.prefetch > 0 && options.prefetch <= most_batches, "prefetch", options.prefetch,
       "1 to 1,048,576");
  need(options.leases > 0 && options.leases <= most_batches, "leases", options.leases,
       "1 to 1,048,576");
  need(options.io_threads >= 0 && options.io_threads <= most_threads, "I/O threads",
       options.io_threads, "0 (reading where images are decoded) to 4,096");
  if (options.epochs && *options.epochs == 0) refuse("a stream of 0 epochs: ask for at least 1");
  if (options.drop_last && sequence->size() < options.batch_size) {
    refuse("an epoch of " + std::to_string(sequence->size()) +
           " samples does not fill one batch of " + std::to_string(options.batch_size) +
           ": make batches smaller, or keep the last one");
  }
  validate(options.shard);
  if (options.shard.mode == ShardMode::drop) check_drop(options, sequence->size());
  if (options.pool == nullptr) options.pool = ComputePool::of_process();
  options.threads = usable_threads(options.threads, *options.pool);
  return options;
}

StreamLayout::StreamLayout(const LoaderOptions& options, const Sequence& sequence)
    : size_(sequence.size()),
      batch_size_(options.batch_size),
      drop_last_(options.drop_last),
      shard_(options.shard),
      epochs_(options.epochs),
      most_rows_(largest_share(std::min(batch_size_, size_), shard_)),
      grain_(usable_grain(sequence.grain(), batch_size_)) {}

std::int64_t StreamLayout::batch_samples(Position at) const {
  const std::int64_t samples = std::min(batch_size_, size_ - at.sample);
  if (drop_last_ && samples < batch_size_) return 0;
  return shared_samples(samples, shard_);
}

Position StreamLayout::batch_from(Position at) const {
  const bool epoch_is_over = !is_over(at) && batch_samples(at) == 0;
  return epoch_is_over ? Position{at.epoch + 1, 0} : at;
}

ReadPool::Piece StreamLayout::piece_at(ReadPool::Place place) const {
  // A rank whose shares are all empty would look for ever.
  for (int looks = 0; looks < 8 && !is_over(place.batch); ++looks) {
    const std::int64_t samples = batch_samples(place.batch);
    const Share share = share_of(samples, shard_);
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

void StreamLayout::check(Position position) const {
  if (position.sample < 0 || position.sample > size_) {
    refuse("the stream cannot start at sample " + std::to_string(position.sample) +
           " of an epoch of " + std::to_string(size_));
  }
  if (epochs_ && position.epoch > *epochs_) {
    refuse("the stream cannot start in epoch " + std::to_string(position.epoch) +
           ": it ends before epoch " + std::to_string(*epochs_) + "; raise epochs");
  }
}

}  // namespace headrace
