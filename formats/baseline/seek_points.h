#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "headrace/formats/baseline/entropy_decoder.h"
#include "headrace/formats/baseline/frame.h"

namespace headrace::baseline {

// Where decoding of a scan can begin: before every 8th MCU, in 10 bytes each. A view of bytes; true
// of the file they were made of, and of no other.
class SeekPoints {
 public:
  static constexpr std::int64_t interval = 8;  // MCUs

  SeekPoints() = default;
  // Bytes that make_seek_points() did not make lead to wrong pixels, or to libjpeg, but nowhere
  // else.
  explicit SeekPoints(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::int64_t count() const { return static_cast<std::int64_t>(bytes_.size() / point_bytes); }
  // Before MCU i * interval. Requires i < count().
  ScanPosition operator[](std::int64_t i) const;

  static constexpr std::size_t point_bytes = 10;

 private:
  std::span<const std::byte> bytes_;
};

// Appends the points of an image to `into`. False if EntropyDecoder does not accept all of its scan
// (so what has points is sound, and need not be looked at to know that), or if they do not fit in
// so few bytes.
bool make_seek_points(EntropyDecoder& entropy, const Frame& frame, const EntropyCodedData& data,
                      std::vector<std::byte>& into);

}  // namespace headrace::baseline
