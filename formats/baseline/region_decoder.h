#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "headrace/formats/baseline/entropy_coded_data.h"
#include "headrace/formats/baseline/entropy_decoder.h"
#include "headrace/formats/baseline/frame.h"
#include "headrace/formats/baseline/pixel_kernels.h"
#include "headrace/formats/baseline/seek_points.h"
#include "headrace/formats/baseline/upsampler.h"
#include "headrace/pipeline/image.h"

namespace headrace::baseline {

// Decodes regions of baseline JPEG files to the very bytes that libjpeg gives. Blocks outside the
// region are passed over; there is no inverse DCT of them. One thread at a time; keeps its tables
// and memory from image to image.
class RegionDecoder {
 public:
  explicit RegionDecoder(const PixelKernels& kernels = best_pixel_kernels()) : kernels_(kernels) {}

  // Decodes `region` of an image to 1 channel (Y) or 3 (RGB). `scan` begins behind the header of
  // the scan. Requires a region inside the image, and `into` of its size.
  // False if libjpeg might see the data otherwise: they are damaged or odd where libjpeg would look
  // at them, which is up to the last line of the region. `into` then holds nothing of use.
  // With `points`, if there are any, only the region is read.
  bool decode(const Frame& frame, std::span<const std::byte> scan, const SeekPoints& points,
              const Region& region, Image& into);

 private:
  // Blocks from `first` up to, and without, `end`.
  struct Range {
    int first = 0;
    int end = 0;
    bool contains(int i) const { return i >= first && i < end; }
  };

  struct Plane {
    Range rows;  // of blocks
    Range columns;
    PlaneView view;
    std::vector<std::uint8_t> memory;
    // A block that waits for another to share its inverse DCT.
    Block waiting;
    std::uint8_t* waiting_samples = nullptr;
  };

  // MCUs of which something is wanted.
  struct Needed {
    Range rows;
    Range columns;
  };

  Needed lay_out(const Frame& frame, const Region& region, std::size_t channels);
  bool go_to(std::int64_t mcu, const SeekPoints& points);
  bool decode_row(const Frame& frame, int row, Range columns);
  bool place_blocks(const Frame& frame, int row, int column, const EntropyDecoder::Mcu& mcu);
  unsigned wanted_blocks(const Frame& frame, int row, int column) const;
  bool transform(const Component& component, Plane& plane, const Block& block,
                 std::uint8_t* samples);
  bool finish_waiting(const Component& component, Plane& plane);

  const PixelKernels& kernels_;
  EntropyCodedData data_;
  EntropyDecoder entropy_;
  EntropyDecoder::Mcu mcu_;
  std::array<Plane, 3> planes_;
  std::size_t planes_used_ = 0;
  Upsampler upsampler_;
};

}  // namespace headrace::baseline
