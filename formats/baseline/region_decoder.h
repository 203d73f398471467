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
  explicit RegionDecoder(const PixelKernels& kernels = best_pixel_kernels());

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

  // Blocks that share an inverse DCT: one waits for another.
  struct Pairing {
    PixelKernels::InverseDct inverse_dct = nullptr;
    std::array<BlockTransform, 2> blocks{};
    std::size_t count = 0;
    Block kept;  // where the one that waits is once its MCU is gone
  };
  static constexpr std::array<int, 3> sides = {8, 4, 2};  // of blocks, of each pairing

  struct Plane {
    Range rows;  // of blocks
    Range columns;
    int block_side = 0;
    std::size_t pairing = 0;
    PlaneView view;
    std::vector<std::uint8_t> memory;
    std::ptrdiff_t mcu = 0;  // in bytes: where the samples of the MCU begin that is decoded

    // In bytes, of a block so many further down and to the right.
    std::ptrdiff_t offset_of(int down, int right) const {
      return down * block_side * static_cast<std::ptrdiff_t>(view.row_bytes) + right * block_side;
    }
  };

  // Of an MCU's blocks, in their order.
  struct BlockPlace {
    std::size_t component;
    std::ptrdiff_t offset;  // of its samples, in bytes, from those of the MCU
  };

  // MCUs of which something is wanted.
  struct Needed {
    Range rows;
    Range columns;
  };

  Needed lay_out(const Frame& frame, std::span<const Wanted> wanted);
  void lay_out(Plane& plane, const Wanted& wanted);
  void find_blocks(const Frame& frame, const Range& columns);
  // Decodes what was laid out, and calls `ready(row)` behind each row of MCUs.
  template <class Ready>
  bool read(const Frame& frame, std::span<const std::byte> scan, const SeekPoints& points,
            const Needed& needed, const Reach& reach, const Ready& ready);
  bool go_to(std::int64_t mcu, const SeekPoints& points);
  template <class See>
  void for_each_block(const Frame& frame, const See& see) const;
  template <class IsWanted>
  unsigned wanted_blocks(const Frame& frame, const IsWanted& is_wanted) const;
  bool decode_row(const Frame& frame, int row, Range columns);
  bool place_blocks(const Frame& frame);
  void keep_waiting();
  bool finish_waiting();
  static int rows_read(const Frame& frame, const Reach& reach);

  const PixelKernels& kernels_;
  EntropyCodedData data_;
  EntropyDecoder entropy_;
  EntropyDecoder::Mcu mcu_;
  std::array<Plane, 3> planes_;
  std::size_t planes_used_ = 0;
  std::array<BlockPlace, EntropyDecoder::most_blocks> blocks_{};
  std::vector<unsigned> wanted_in_column_;  // of each column of MCUs that is needed
  std::array<Pairing, sides.size()> pairings_;
  Upsampler upsampler_;
};

}  // namespace headrace::baseline
