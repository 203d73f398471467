#pragma once

#include <cstddef>
#include <cstdint>

namespace headrace {

// What an ImageSequence keeps in memory of the samples that it makes: of each record as it comes
// first, until its budget is used up. What is kept then stays, and what found no room is made anew
// each time: the samples are the same either way.
//
// (The records as they are read are kept by a CachedDataset, in a tenth of the memory of pixels.)
enum class SampleCache : std::uint8_t {
  none,
  // The decoded image. Of a recipe that draws nothing, only the region that it needs; else, as the
  // next epoch will want another region, the whole image, which is then decoded whole once. At full
  // resolution, whatever a decoder may do for speed.
  pixels,
  // The finished row of the batch. Only of recipes that draw nothing, such as those of validation:
  // others would give the first epoch's draws for ever, and are refused.
  samples,
};

struct SampleCacheStats {
  std::int64_t kept = 0;  // records
  std::size_t bytes = 0;  // of the budget
  bool is_full = false;   // nothing more is kept
  std::int64_t hits = 0;  // samples that were made from what is kept
};

}  // namespace headrace
