#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/augment/axis.h"
#include "headrace/augment/kernels.h"
#include "headrace/pipeline/image.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// One axis of what a plan samples linearly.
struct SampledAxis {
  int extent = 0;         // of the image, in pixels
  IndexRange read;        // its pixels that there are; all if coordinates lie outside of it
  std::int64_t low = 0;   // of the coordinates of all outputs, in 2^-14 pixels
  std::int64_t high = 0;  // likewise, inclusive
};

// The copy that Kernels::sample_pairs samples: with a border, so that it needs no care at the
// image's ends for any fill mode but scipy_constant (whose outputs must lie in the image).
class PairedImage {
 public:
  // For kernels that have no use for it, for large parts of an image that give small outputs, and
  // for plans that lead farther from the image than its own size, there is none.
  PairedImage(const SamplePlan& plan, int channels, const SampledAxis& columns,
              const SampledAxis& rows, const Kernels& kernels);

  explicit operator bool() const { return exists_; }
  std::size_t bytes() const;
  // Makes the copy in `memory`, of bytes(). `first` is the first pixel that is read of the image.
  void make(const std::uint8_t* first, std::size_t row_bytes, std::uint8_t constant,
            std::byte* memory, const Kernels& kernels);
  // Outputs on a line through the image that begins at (x, y), in 2^-32 pixels.
  PairedRun run(std::int64_t x, std::int64_t y, std::int64_t dx, std::int64_t dy) const;

 private:
  PairedRun::Border border(const SampledAxis& axis) const;
  int places(const SampledAxis& axis) const;

  SampledAxis columns_;
  SampledAxis rows_;
  FillMode fill_;
  int border_ = 0;  // pixels before the image and behind it
  bool exists_ = false;
  PairedRun run_;
};

}  // namespace headrace
