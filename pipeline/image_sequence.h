#pragma once

#include <cstdint>
#include <memory>

#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/decoder.h"
#include "headrace/pipeline/epoch_order.h"
#include "headrace/pipeline/error_policy.h"
#include "headrace/pipeline/memory_budget.h"
#include "headrace/pipeline/sample_cache.h"
#include "headrace/pipeline/sequence.h"
#include "headrace/pipeline/trace.h"

namespace headrace {

struct ImageSequenceOptions {
  std::uint64_t seed = 0;
  Shuffle shuffle = Shuffle::full;
  BlockShuffle blocks = {};  // for Shuffle::blocks
  // For samples that cannot be made. What it does to them is a function of seed, epoch and position
  // too. It is no part of the fingerprint: a stream that failed may go on under another policy.
  ErrorPolicy on_error = ErrorPolicy::fail;
  ErrorBudget error_budget = {};
  // What is kept in memory of the samples, within `memory`, which a cache must be given. It changes
  // no sample.
  SampleCache cache = SampleCache::none;
  std::shared_ptr<MemoryBudget> memory = {};
  // Where to note the reading, decoding and rendering of each encoded image; absent: nowhere.
  std::shared_ptr<Trace> trace = {};
};

// The built-in Sequence: images of a data set, decoded and augmented. Sample `position` of an epoch
// is record `EpochOrder(...).index_at(position)`, with the plan drawn for (seed, epoch, index).
//
// Fields: those of the data set, in its order and by its names. Its one image field, encoded or
// pixels, becomes what the augmenter makes of it, and what moves with it does so (targets.h);
// labels are i32 scalars, values pass unchanged. Files are seen upright, by their EXIF turn.
class ImageSequence final : public Sequence {
 public:
  // `decoder` may be null if the data set holds pixels.
  // Throws Error{invalid_argument} if the parts do not fit together (no image field, pixels with
  // another number of channels than the augmenter takes, no decoder for encoded images), the error
  // budget makes no sense, the cache cannot be what is asked for (sample_cache.h), or its memory
  // budget is too small: then with the number that would do.
  ImageSequence(std::shared_ptr<const Dataset> dataset, std::shared_ptr<const Decoder> decoder,
                std::shared_ptr<const Augmenter> augmenter, ImageSequenceOptions options = {});
  ~ImageSequence() override;

  std::int64_t size() const override;
  const BatchSpec& spec() const override;
  // Throws Error when a sample cannot be made and ImageSequenceOptions::on_error does not help, or
  // its budget is used up; how soon that is may depend on how far other threads have come.
  // Errors name the record: "train.csv:812: cats/812.jpg: JPEG ends after ...".
  void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const override;
  std::int64_t grain() const override;
  std::uint64_t fingerprint() const override;
  const SampleReader* reader() const override;
  const DeviceSource* device_source() const override;
  StageTimes stage_times() const override;

  const Dataset& dataset() const;
  const Augmenter& augmenter() const;
  // What on_error has passed over so far. From any thread.
  ErrorReport error_report() const;
  SampleCacheStats cache_stats() const;  // from any thread
  // The plan of one sample, as fill() would draw it; opens the image's header. Throws if the record
  // cannot be opened, under every policy.
  SamplePlan plan(std::uint64_t epoch, std::int64_t position) const;
  // Scratch memory held now, all threads together; without that of the decoder's sessions.
  std::size_t scratch_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headrace
