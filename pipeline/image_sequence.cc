#include "headrace/pipeline/image_sequence.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

#include "headrace/pipeline/device_source.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/failure_log.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/record_source.h"
#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/sample_maker.h"
#include "headrace/pipeline/sample_reader.h"
#include "headrace/pipeline/sample_scratch.h"
#include "headrace/pipeline/stage_timer.h"

namespace headrace {

struct ImageSequence::Impl final : SampleReader, DeviceSource {
  SampleMaker maker;
  ImageSequenceOptions options;
  mutable FailureLog failures;
  mutable ScratchPool scratches{[this] { return maker.make_scratch(); }};
  mutable Stages<std::atomic<std::int64_t>> stages;

  Impl(SampleMaker parts, ImageSequenceOptions given)
      : maker(std::move(parts)),
        options(std::move(given)),
        failures(options.on_error, options.error_budget, maker.dataset().size()) {
    static_cast<void>(order(0));  // refuses blocks that make no sense
  }

  const Dataset& dataset() const { return maker.dataset(); }

  EpochOrder order(std::uint64_t epoch) const {
    return {dataset().size(), options.shuffle, options.seed, epoch, options.blocks};
  }

  void add(const Stages<std::int64_t>& times) const {
    stages.read.fetch_add(times.read, std::memory_order_relaxed);
    stages.decode.fetch_add(times.decode, std::memory_order_relaxed);
    stages.render.fetch_add(times.render, std::memory_order_relaxed);
    stages.samples.fetch_add(times.samples, std::memory_order_relaxed);
    stages.bytes.fetch_add(times.bytes, std::memory_order_relaxed);
    if (times.cached != 0) stages.cached.fetch_add(times.cached, std::memory_order_relaxed);
    if (times.planes != 0) stages.planes.fetch_add(times.planes, std::memory_order_relaxed);
  }

  const DeviceStage* stage(std::size_t index) const override {
    return index == maker.image_field() ? maker.augmenter().device_stage() : nullptr;
  }

  std::int64_t images() const override { return dataset().size(); }

  void read_images(std::int64_t first, std::int64_t count, std::byte* to) const override {
    const ImageShape& wanted = maker.augmenter().device_stage()->source;
    const std::size_t row = static_cast<std::size_t>(wanted.width * wanted.channels);
    Record record;
    record.values.resize(dataset().info().fields.size());
    for (std::int64_t i = first; i < first + count; ++i) {
      dataset().read(i, record);
      const ImageView& pixels = record.values[maker.image_field()].pixels;
      if (!(pixels.shape == wanted) || pixels.type != ElementType::u8) {
        throw Error(ErrorCode::unsupported,
                    dataset().key(i) + ": images that stay on a GPU are all of one size");
      }
      for (int y = 0; y < wanted.height; ++y, to += row) {
        std::memcpy(to, pixels.row<std::byte>(y), row);
      }
    }
  }

  // A sample at its position in an epoch, with what the policy says about failures; false if its
  // record would have to be waited for.
  bool make_at(SampleScratch& scratch, RecordSource& source, const EpochOrder& order,
               const Rng& epoch_rng, std::int64_t position, const Rows& rows, std::int64_t row,
               Stages<std::int64_t>& times) const {
    constexpr std::int64_t most_neighbours = 32;
    const std::int64_t index = order.index_at(position);
    const Outcome outcome = try_sample(scratch, source, epoch_rng, index, rows, row, times);
    if (outcome != Outcome::unusable) return outcome == Outcome::made;
    failures.count_replaced();
    if (options.on_error == ErrorPolicy::blank) {
      maker.make_blank({index, rows, row});
      return true;
    }
    // Neighbours are waited for: they are few, and were not asked to be read.
    WaitingSource neighbour_source(dataset());
    const std::int64_t neighbours = std::min(most_neighbours, order.size() - 1);
    for (std::int64_t i = 1; i <= neighbours; ++i) {
      const std::int64_t to_end = order.size() - position;
      const std::int64_t neighbour = order.index_at(i < to_end ? position + i : i - to_end);
      if (try_sample(scratch, neighbour_source, epoch_rng, neighbour, rows, row, times) ==
          Outcome::made) {
        return true;
      }
    }
    throw Error(
        ErrorCode::corrupt_data,
        dataset().key(index) + ": it cannot be used, nor can the " + std::to_string(neighbours) +
            " samples after it in the epoch: " + "see whether the data set is where it should be");
  }

  enum class Outcome {
    made,
    unusable,  // and the policy is to do without it
    waits,     // the record would have to be waited for
  };

  Outcome try_sample(SampleScratch& scratch, RecordSource& source, const Rng& epoch_rng,
                     std::int64_t index, const Rows& rows, std::int64_t row,
                     Stages<std::int64_t>& times) const {
    if (failures.wanted_in_vain(index)) return Outcome::unusable;
    const Rng rng = epoch_rng.for_sample(static_cast<std::uint64_t>(index));
    try {
      const bool made = maker.make(scratch, source, rng, {index, rows, row}, times);
      return made ? Outcome::made : Outcome::waits;
    } catch (const Error& error) {
      if (options.on_error == ErrorPolicy::fail || !is_of_the_data(error.code())) {
        throw error.with_context(dataset().key(index));
      }
      // Only what no draw can change is remembered: part of a damaged image may be whole. Nor are
      // errors of the system: it may recover.
      const bool for_good = !scratch.planned && error.code() != ErrorCode::io;
      failures.add(index, dataset().key(index), error, for_good);
      return Outcome::unusable;
    }
  }

  // Fills rows up to the first whose record would have to be waited for; returns how many.
  std::int64_t fill_from(RecordSource& source, std::uint64_t epoch, std::int64_t first,
                         const Rows& rows) const {
    const ScratchPool::Loan loan(scratches);
    const EpochOrder in_epoch = order(epoch);
    const Rng epoch_rng(options.seed, epoch);
    Stages<std::int64_t> times;
    std::int64_t row = 0;
    while (row < rows.count() &&
           make_at(*loan, source, in_epoch, epoch_rng, first + row, rows, row, times)) {
      ++row;
    }
    add(times);
    return row;
  }

  std::int64_t fill_ready(std::uint64_t epoch, std::int64_t first,
                          const Rows& rows) const override {
    ReadySource source(dataset());
    return fill_from(source, epoch, first, rows);
  }

  std::unique_ptr<LoadedSamples> load(std::uint64_t epoch, std::int64_t first, std::int64_t count,
                                      const std::atomic<bool>& stop) const override {
    Stages<std::int64_t> times;
    StageTimer timer(1, options.trace.get(),
                     {.epoch = static_cast<std::int64_t>(epoch), .first = first, .count = count});
    const EpochOrder in_epoch = order(epoch);
    auto records = load_records({dataset(), in_epoch, first, count, maker.store()}, stop);
    timer.end(times.read, "read ahead");
    add(times);
    return records;
  }

  void fill_loaded(std::uint64_t epoch, std::int64_t first, const Rows& rows,
                   LoadedSamples& loaded) const override {
    LoadedSource source(dataset(), dynamic_cast<LoadedRecords&>(loaded));
    fill_from(source, epoch, first, rows);
  }

  std::size_t will_need(std::uint64_t epoch, std::int64_t first,
                        std::int64_t count) const override {
    const EpochOrder in_epoch = order(epoch);
    return announce_records({dataset(), in_epoch, first, count, maker.store()});
  }
};

ImageSequence::ImageSequence(std::shared_ptr<const Dataset> dataset,
                             std::shared_ptr<const Decoder> decoder,
                             std::shared_ptr<const Augmenter> augmenter,
                             ImageSequenceOptions options) {
  SampleMaker maker(std::move(dataset), std::move(decoder), std::move(augmenter), options);
  impl_ = std::make_unique<Impl>(std::move(maker), std::move(options));
}

ImageSequence::~ImageSequence() = default;

std::int64_t ImageSequence::size() const { return impl_->dataset().size(); }
const BatchSpec& ImageSequence::spec() const { return impl_->maker.spec(); }
const Dataset& ImageSequence::dataset() const { return impl_->dataset(); }
ErrorReport ImageSequence::error_report() const { return impl_->failures.report(); }
SampleCacheStats ImageSequence::cache_stats() const {
  SampleCacheStats stats;
  if (const SampleStore* store = impl_->maker.store()) stats = store->stats();
  stats.hits = impl_->stages.cached.load(std::memory_order_relaxed);
  return stats;
}
const Augmenter& ImageSequence::augmenter() const { return impl_->maker.augmenter(); }
std::size_t ImageSequence::scratch_bytes() const { return impl_->scratches.bytes(); }

void ImageSequence::fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const {
  if (first < 0 || rows.count() > size() - first) {
    throw Error(ErrorCode::invalid_argument, "samples " + std::to_string(first) + " to " +
                                                 std::to_string(first + rows.count()) +
                                                 " of an epoch of " + std::to_string(size()));
  }
  WaitingSource source(impl_->dataset());
  impl_->fill_from(source, epoch, first, rows);
}

SamplePlan ImageSequence::plan(std::uint64_t epoch, std::int64_t position) const {
  if (position < 0 || position >= size()) {
    throw Error(ErrorCode::invalid_argument,
                "sample " + std::to_string(position) + " of an epoch of " + std::to_string(size()));
  }
  const ScratchPool::Loan loan(impl_->scratches);
  const std::int64_t index = impl_->order(epoch).index_at(position);
  const Rng rng = Rng(impl_->options.seed, epoch).for_sample(static_cast<std::uint64_t>(index));
  try {
    return impl_->maker.plan(*loan, index, rng);
  } catch (const Error& error) {
    throw error.with_context(impl_->dataset().key(index));
  }
}

std::int64_t ImageSequence::grain() const {
  const FieldSpec& image = impl_->maker.image();
  const std::size_t bytes = image.row_bytes();
  if (!impl_->maker.encoded()) {
    // About 60 us: 64 images of 32x32x3 in f32.
    constexpr std::size_t task_bytes = std::size_t{64} * 32 * 32 * 3 * sizeof(float);
    return static_cast<std::int64_t>(std::clamp<std::size_t>(task_bytes / bytes, 1, 256));
  }
  const std::size_t pixels =
      bytes / size_of(image.type) / static_cast<std::size_t>(augmenter().channels());
  return pixels <= 65'536 ? 8 : pixels <= 262'144 ? 2 : 1;
}

std::uint64_t ImageSequence::fingerprint() const {
  Fingerprint fingerprint = impl_->maker.fingerprint();
  fingerprint.add(impl_->options.seed).add(impl_->options.shuffle);
  if (impl_->options.shuffle == Shuffle::blocks) {
    fingerprint.add(impl_->options.blocks.samples).add(impl_->options.blocks.window);
  }
  return fingerprint.value();
}

const SampleReader* ImageSequence::reader() const { return impl_.get(); }

const DeviceSource* ImageSequence::device_source() const {
  return augmenter().device_stage() != nullptr ? impl_.get() : nullptr;
}

StageTimes ImageSequence::stage_times() const {
  const auto seconds = [](const std::atomic<std::int64_t>& nanoseconds) {
    return static_cast<double>(nanoseconds.load(std::memory_order_relaxed)) * 1e-9;
  };
  return {.read = seconds(impl_->stages.read),
          .decode = seconds(impl_->stages.decode),
          .render = seconds(impl_->stages.render),
          .samples = impl_->stages.samples.load(std::memory_order_relaxed),
          .bytes_read = impl_->stages.bytes.load(std::memory_order_relaxed),
          .cached_samples = impl_->stages.cached.load(std::memory_order_relaxed),
          .planes_samples = impl_->stages.planes.load(std::memory_order_relaxed)};
}

}  // namespace headrace
