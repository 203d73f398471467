#pragma once

#include <cstddef>
#include <vector>

#include "headrace/augment/kernels.h"
#include "headrace/augment/recipe.h"
#include "headrace/pipeline/image.h"

namespace headrace {

// What becomes of resampled values: normalised, given their type, put in their place in the batch.
class Finish {
 public:
  // value * scale, minus the mean, divided by the deviation.
  struct Numbers {
    double scale = 1;
    std::vector<double> mean;       // of each element, of each channel, of all, or none
    std::vector<double> deviation;  // of each channel, of all, or none
  };
  Finish(ImageShape output, ElementType type, Layout layout, const Numbers& numbers);

  const ImageShape& shape() const { return shape_; }
  ElementType type() const { return type_; }
  std::size_t row_elements() const {
    return static_cast<std::size_t>(shape_.width) * static_cast<std::size_t>(shape_.channels);
  }
  // What levels are multiplied by, of each channel, and what is then added: of each channel, or of
  // each element as laid out in the batch.
  std::vector<float> channel_scales() const;
  std::vector<float> offsets_in_output_order() const;
  // Rows that are finished together: as many as stay in the first-level cache.
  int rows_at_once() const;
  // Scratch bytes that levels() needs.
  std::size_t scratch_bytes() const;

  // Where rows that levels() would only copy may be made: their place in the destination, if what
  // is touched beyond their end belongs to rows that come later. Null otherwise.
  std::uint8_t* place_of(int row, int rows, std::byte* destination) const;
  // Finishes `rows` rows of levels from `row` on, the last ones last; `levels` and `scratch` may be
  // touched Kernels::slack bytes beyond their ends.
  void levels(const std::uint8_t* levels, int row, int rows, std::byte* destination,
              std::byte* scratch, const Kernels& kernels) const;
  // Finishes an image of levels. `scratch` may grow.
  void all_levels(const std::uint8_t* levels, std::byte* destination,
                  std::vector<std::byte>& scratch, const Kernels& kernels) const;
  // Finishes a row of values, which it may change.
  void values(float* values, int row, std::byte* destination) const;

 private:
  std::size_t pixels_before(int row) const {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(shape_.width);
  }
  bool interleaved() const { return layout_ == Layout::nhwc || shape_.channels == 1; }
  // A batch of large rows is more than the caches of a core hold.
  bool streams() const {
    constexpr std::size_t large = 256 << 10;
    return shape_.elements() * size_of(type_) >= large;
  }
  // Of what begins at the first channel of `row`, or at its part of one channel's plane.
  Normalisation normalisation(int row, int plane) const;

  ImageShape shape_;
  ElementType type_;
  Layout layout_;
  bool per_pixel_;
  // By element as laid out in the batch: of a period, of one for each plane, or (per_pixel_) of the
  // whole output.
  std::size_t period_;
  std::vector<float> scales_;
  std::vector<float> offsets_;
};

}  // namespace headrace
