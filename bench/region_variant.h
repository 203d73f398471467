#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "headrace/pipeline/image.h"

namespace headrace::bench {

// The decoder of baseline files, compiled once more (bench/CMakeLists.txt).
class RegionVariant {
 public:
  virtual ~RegionVariant() = default;
  // Of sound baseline files. Decodes the headers.
  virtual ImageSize open(std::span<const std::byte> file) = 0;
  virtual bool decode(const Region& region, Image& into) = 0;
};

std::unique_ptr<RegionVariant> region_as_it_is();
std::unique_ptr<RegionVariant> region_trusting();  // HEADRACE_BENCH_TRUSTS_FILES
std::unique_ptr<RegionVariant> region_skipping_singly();

}  // namespace headrace::bench
