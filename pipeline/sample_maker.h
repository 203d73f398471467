#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/decoder.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/record_source.h"
#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/sample_scratch.h"
#include "headrace/pipeline/sample_store.h"
#include "headrace/pipeline/stage_timer.h"
#include "headrace/pipeline/target_maker.h"

namespace headrace {

// Makes single samples of an ImageSequence: record, plan, pixels, row (not installed). Immutable;
// safe to use from many threads, each with a scratch of its own.
class SampleMaker {
 public:
  // What there is to be done with a row.
  struct Place {
    std::int64_t index = 0;  // of the record
    const Rows& rows;
    std::int64_t row = 0;
  };

  // Throws Error{invalid_argument} if the parts do not fit together; see ImageSequence.
  SampleMaker(std::shared_ptr<const Dataset> dataset, std::shared_ptr<const Decoder> decoder,
              std::shared_ptr<const Augmenter> augmenter, const ImageSequenceOptions& options);

  const Dataset& dataset() const { return *dataset_; }
  const Augmenter& augmenter() const { return *augmenter_; }
  const BatchSpec& spec() const { return spec_; }
  std::size_t image_field() const { return image_field_; }
  const FieldSpec& image() const { return spec_.fields[image_field_]; }
  bool encoded() const { return encoded_; }
  Fingerprint fingerprint() const;  // of data, decoder and recipe

  std::unique_ptr<SampleScratch> make_scratch() const;

  // Makes a sample from its record and the draws of `rng`, a stream of this sample alone. False if
  // the record would have to be waited for.
  bool make(SampleScratch& scratch, RecordSource& source, const Rng& rng, const Place& place,
            Stages<std::int64_t>& times) const;
  // The plan that make() would follow; reads the record.
  SamplePlan plan(SampleScratch& scratch, std::int64_t index, const Rng& rng) const;
  // A sample without its record: zeros, and the first label.
  void make_blank(const Place& place) const;
  // Null without a cache.
  const SampleStore* store() const { return store_.get(); }

 private:
  ImageInfo open(SampleScratch& scratch) const;
  const ImageView& pixels(const SampleScratch& scratch) const;
  bool make_from_store(SampleScratch& scratch, const Rng& rng, const Place& place,
                       StageTimer& timer, Stages<std::int64_t>& times) const;
  void render_encoded(SampleScratch& scratch, const Rng& rng, const Place& place, StageTimer& timer,
                      Stages<std::int64_t>& times) const;
  bool render_planes(SampleScratch& scratch, const SamplePlan& plan, std::byte* to,
                     StageTimer& timer, Stages<std::int64_t>& times) const;
  Region decode(SampleScratch& scratch, const DecodeRequest& request, const Region& to_keep,
                bool& keep) const;
  void render_pixels(SampleScratch& scratch, const Rng& rng, std::byte* to, StageTimer& timer,
                     Stages<std::int64_t>& times) const;
  void copy_value(const RecordValue& value, std::size_t field, std::byte* to) const;

  std::shared_ptr<const Dataset> dataset_;
  std::shared_ptr<const Decoder> decoder_;
  std::shared_ptr<const Augmenter> augmenter_;
  std::shared_ptr<Trace> trace_;
  std::shared_ptr<SampleStore> store_;
  BatchSpec spec_;
  std::size_t image_field_ = 0;
  bool encoded_ = false;
  TargetMaker targets_;
};

}  // namespace headrace
