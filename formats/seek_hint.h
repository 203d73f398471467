#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "headrace/formats/baseline/entropy_coded_data.h"
#include "headrace/formats/baseline/entropy_decoder.h"

namespace headrace {

// Makes the seek points of JPEG files, one after the other. Private to formats. One thread at a
// time.
class SeekPointMaker {
 public:
  // Appends the points of a file (baseline/seek_points.h). False if there can be none: it is no
  // baseline JPEG, or not all of it is sound; `into` then holds nothing of use.
  bool append(std::span<const std::byte> file, std::vector<std::byte>& into);

 private:
  baseline::EntropyDecoder entropy_;
  baseline::EntropyCodedData data_;
};

// A RecordValue::hint: what tells which image it is about (its size and a hash of its last bytes,
// of which no two images have the same), then its seek points.
//   0  u32  1, the kind of hint
//   4  u32  bytes of the image
//   8  u64  XXH3 of its last 64 bytes, of all if it has fewer
//  16  seek points, 10 bytes each
constexpr std::size_t hint_header_bytes = 16;

// Replaces `into` by the hint of a file; false, and `into` empty, if it has no points.
bool make_seek_hint(std::span<const std::byte> file, SeekPointMaker& maker,
                    std::vector<std::byte>& into);

// The points in a hint, if it is about that image; else none. Any bytes will do as a hint.
std::span<const std::byte> points_of_hint(std::span<const std::byte> hint,
                                          std::span<const std::byte> image);

}  // namespace headrace
