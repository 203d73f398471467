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
#include "headrace/pipeline/colour_planes.h"
#include "headrace/pipeline/image.h"

namespace headrace::baseline {

// Decodes regions of baseline JPEG files to the very bytes that libjpeg gives, at full resolution
// or, by inverse DCTs to fewer samples, at a half, a quarter or an eighth of it. Blocks outside the
// region are passed over; there is no inverse DCT of them. One thread at a time; keeps its tables
// and memory from image to image.
class RegionDecoder {
 public:
  explicit RegionDecoder(const PixelKernels& kernels = best_pixel_kernels()) : kernels_(kernels) {}

  // Whether decode() can do with so many eighths (8, 4, 2, 1) of the resolution: those at which
  // libjpeg has no chroma to interpolate, or all.
  static bool can_decode(const Frame& frame, int eighths, int channels);

  // Decodes `region` of an image of that resolution to 1 channel (Y) or 3 (RGB). `scan` begins
  // behind the header of the scan. Requires can_decode(), a region inside the image, and `into` of
  // its size.
  // False if libjpeg might see the data otherwise: they are damaged or odd where libjpeg would look
  // at them, which is up to the last line of the region. `into` then holds nothing of use.
  // With `points`, if there are any, only the region is read.
  bool decode(const Frame& frame, std::span<const std::byte> scan, const SeekPoints& points,
              const Region& region, int eighths, Image& into);

  // As decode(), of three components, to planes as they are stored; of those that have fewer
  // samples, with two more on each side. They are valid until the next image.
  bool decode_planes(const Frame& frame, std::span<const std::byte> scan, const SeekPoints& points,
                     const Region& region, ColourPlanes& into);

 private:
  // Samples of a component that are wanted.
  struct Wanted {
    SampleSpan rows;
    SampleSpan columns;
    int block_side = baseline::block_side;  // samples of a block that are made
  };
  // Up to which line libjpeg would decode, of what resolution, and to how many channels.
  struct Reach {
    int bottom;
    int channels;
    int eighths;
  };
  // Blocks from `first` up to, and without, `end`.
  struct Range {
    int first = 0;
    int end = 0;
    bool contains(int i) const { return i >= first && i < end; }
  };

  struct Plane {
    Range rows;  // of blocks
    Range columns;
    int block_side = 0;
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

  Needed lay_out(const Frame& frame, std::span<const Wanted> wanted);
  // Decodes what was laid out, and calls `ready(row)` behind each row of MCUs.
  template <class Ready>
  bool read(const Frame& frame, std::span<const std::byte> scan, const SeekPoints& points,
            const Needed& needed, const Reach& reach, const Ready& ready);
  bool go_to(std::int64_t mcu, const SeekPoints& points);
  bool decode_row(const Frame& frame, int row, Range columns);
  bool place_blocks(const Frame& frame, int row, int column, const EntropyDecoder::Mcu& mcu);
  static int rows_read(const Frame& frame, const Reach& reach);
  unsigned blocks_of_one_sample(const Frame& frame) const;
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
