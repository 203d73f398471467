#pragma once

#include <cstddef>
#include <vector>

#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/decoder.h"
#include "headrace/pipeline/sample_scratch.h"
#include "headrace/pipeline/targets.h"

namespace headrace {

// Makes the fields of a sample that move with its image (not installed). Immutable; safe to use
// from many threads, each with a scratch of its own.
class TargetMaker {
 public:
  // For a data set without such fields, one that does nothing.
  TargetMaker() = default;
  // Both outlive this. Throws Error{invalid_argument} naming the field that cannot be made.
  TargetMaker(const DatasetInfo& info, const Augmenter& augmenter, const Decoder* decoder);

  bool any() const { return !fields_.empty(); }
  bool any_encoded() const;

  // Fills these fields of a row from scratch.record and scratch.plan, the plan of its image at full
  // resolution; what was decoded into scratch is lost.
  // Throws Error{corrupt_data} naming the field.
  void make(SampleScratch& scratch, const Rows& rows, std::int64_t row) const;
  // The same without a record: nothing that is to be seen.
  void make_blank(const Rows& rows, std::int64_t row) const;

 private:
  struct Field {
    std::size_t index;
    const DatasetField* description;
  };
  void make_image(SampleScratch& scratch, const Field& field, std::byte* to) const;
  void render(SampleScratch& scratch, const Field& field, const SamplePlan& plan,
              const ImageView& pixels, const Region& decoded, std::byte* to) const;
  SamplePlan plan_for(const Field& field, const SamplePlan& plan, ImageSize size) const;

  std::vector<Field> fields_;
  const Augmenter* augmenter_ = nullptr;
  const TargetMover* mover_ = nullptr;
};

}  // namespace headrace
