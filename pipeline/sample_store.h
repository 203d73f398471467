#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/image.h"
#include "headrace/pipeline/kept_entries.h"
#include "headrace/pipeline/sample_cache.h"

namespace headrace {

// A sample that is kept, or what all samples of a record are made of.
struct KeptSample {
  std::unique_ptr<std::byte[]> bytes;  // the rows of all fields, or of all but the image; then:
  ImageView pixels;                    // upright, of `region` of the image; of SampleCache::pixels
  Region region;
  ImageSize source;  // of the whole image
};

// The memory behind SampleCache (not installed). Thread-safe.
class SampleStore {
 public:
  // Throws Error{invalid_argument} with the budget that would do, if this one is too small.
  SampleStore(SampleCache what, const BatchSpec& spec, std::size_t image_field, std::int64_t size,
              MemoryBudget& budget);

  bool keeps_pixels() const { return what_ == SampleCache::pixels; }
  bool wants_pixels() const { return keeps_pixels() && !entries_.is_full(); }
  bool has(std::int64_t index) const { return entries_.find(index) != nullptr; }
  // Null if it is not kept. Copies what is kept of a row into it: all of it, or all but the image.
  const KeptSample* find(std::int64_t index, const Rows& rows, std::int64_t row) const;

  // Keeps a finished row, if there is room.
  void keep_row(std::int64_t index, const Rows& rows, std::int64_t row);
  // Whether there is room for the pixels of one more image; keep_pixels() must follow.
  bool reserve_pixels(ImageShape shape);
  void give_back_pixels(ImageShape shape) noexcept;  // or this
  // Keeps pixels, and the other fields of a row that is filled.
  void keep_pixels(std::int64_t index, const ImageView& pixels, const Region& region,
                   ImageSize source, const Rows& rows, std::int64_t row);

  SampleCacheStats stats() const;  // without hits

 private:
  bool keeps(std::size_t field) const { return !keeps_pixels() || field != image_field_; }
  std::unique_ptr<KeptSample> copy_row(const Rows& rows, std::int64_t row,
                                       std::size_t more_bytes) const;
  std::size_t pixels_cost(ImageShape shape) const;

  const SampleCache what_;
  const BatchSpec spec_;
  const std::size_t image_field_;
  std::size_t row_bytes_ = 0;  // that are kept of a row
  KeptEntries<KeptSample> entries_;
};

}  // namespace headrace
