#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/augment/continuation.h"
#include "headrace/pipeline/image.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// Single outputs of an image of levels, in the arithmetic of affine.h: for places and images that
// kernels do not take. Coordinates in 2^-14 pixels; pixel i lies at i.
class LevelSampler {
 public:
  // `pixels` show `decoded` of a source of `size`, and live as long as this.
  LevelSampler(const ImageView& pixels, const Region& decoded, ImageSize size, FillMode fill,
               std::uint8_t constant);

  // Of the 2x2 pixels around (x, y).
  void blend(std::int64_t x, std::int64_t y, std::uint8_t* out) const;
  // The pixel there.
  void take(std::int64_t x, std::int64_t y, std::uint8_t* out) const;

 private:
  // False if it is the constant alone, which is then in `out`.
  bool enter(std::int64_t& x, std::int64_t& y, std::uint8_t* out) const;
  int row(std::int64_t index) const;
  int column(std::int64_t index) const;
  // Null if the constant is there.
  const std::uint8_t* tap(int row, int column) const;

  ImageView pixels_;
  Region decoded_;
  ImageSize size_;
  FillMode fill_;
  FillMode taps_fill_;
  std::uint8_t constant_;
};

}  // namespace headrace
