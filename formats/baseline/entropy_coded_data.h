#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace headrace::baseline {

// The entropy-coded segments of a scan (ITU-T T.81, B.1.1.5) without the zero bytes that are
// stuffed behind each 0xFF, followed by zeroes enough to decode an MCU from its end.
class EntropyCodedData {
 public:
  struct Segment {
    std::uint64_t begin;  // in bits
    std::uint64_t end;
  };

  // What may be read from the end of a segment on: ten blocks of 64 symbols of 31 bits, and a
  // refill.
  static constexpr std::size_t padding = 2560;

  // Takes what begins with `scan`, to the first marker that is not the restart marker that is due
  // (none is without `restarts`), or to the end, or until there are `most` bytes at least.
  void take(std::span<const std::byte> scan, bool restarts, std::uint64_t most = all);
  static constexpr std::uint64_t all = ~std::uint64_t{0};

  const std::uint8_t* data() const { return bytes_.data(); }
  std::span<const Segment> segments() const { return segments_; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::vector<Segment> segments_;
};

}  // namespace headrace::baseline
