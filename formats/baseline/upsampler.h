#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "headrace/formats/baseline/pixel_kernels.h"
#include "headrace/pipeline/image.h"

namespace headrace::baseline {

// Decoded samples of a component, from a row and a column on.
struct PlaneView {
  std::uint8_t* data = nullptr;
  std::size_t row_bytes = 0;
  int top = 0;
  int left = 0;

  std::uint8_t* at(int row, int column) const {
    return data + static_cast<std::size_t>(row - top) * row_bytes +
           static_cast<std::size_t>(column - left);
  }
};

// The samples of a component, along a row or a column, that `length` pixels from `first` on are
// made of: from the first to the last. Where chroma is halved, its two nearest samples make each
// pixel, 3/4 of one and 1/4 of the other, as libjpeg's "fancy" upsampling has it.
struct SampleSpan {
  int first;
  int last;
};
SampleSpan samples_of(int first, int length, bool halved, int samples);

// How the samples of a file lie on its pixels.
struct SampleGrid {
  int components = 3;        // or 1
  bool halved_rows = false;  // of chroma
  bool halved_columns = false;
  ImageSize chroma;  // in samples
};

// Makes rows of pixels of rows of samples.
class Upsampler {
 public:
  // Makes pixels [left, left + width) of row y: `channels` bytes each, 1 (the first plane's) or 3
  // (RGB; three equal ones of a single plane). Requires the planes to hold samples_of() them.
  void make_row(const SampleGrid& grid, const PixelKernels& kernels,
                std::span<const PlaneView> planes, int y, int left, int width, int channels,
                std::uint8_t* out);

 private:
  const std::uint8_t* chroma_row(const SampleGrid& grid, const PixelKernels& kernels,
                                 const PlaneView& plane, int y, int left, int width,
                                 std::vector<std::uint8_t>& row);

  std::vector<std::uint16_t> blended_;
  std::array<std::vector<std::uint8_t>, 2> rows_;
};

}  // namespace headrace::baseline
