#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace headrace::baseline {

// Reads bits, the highest of a byte first, from bytes without stuffing (EntropyCodedData). Does not
// know where they end: who reads proves once for many symbols that there is enough, or padding.
//
// `bits` holds the next bits at its top. After refill() at least 56 of them count; what lies below
// those is either right, too, or zero.
struct BitReader {
  static constexpr unsigned filled = 56;
  const std::uint8_t* next = nullptr;
  std::uint64_t bits = 0;
  unsigned count = 0;

  // Loads 8 bytes.
  void refill() {
    std::uint64_t word = 0;
    std::memcpy(&word, next, sizeof word);
    if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap64(word);
    bits |= word >> count;
    next += (63 - count) >> 3;
    count |= filled;
  }

  void skip(unsigned length) {
    bits <<= length;
    count -= length;
  }

  void seek(const std::uint8_t* base, std::uint64_t position) {
    next = base + position / 8;
    bits = 0;
    count = 0;
    refill();
    skip(static_cast<unsigned>(position % 8));
    refill();
  }

  // In bits from `base`.
  std::uint64_t position(const std::uint8_t* base) const {
    return static_cast<std::uint64_t>(next - base) * 8 - count;
  }
};

}  // namespace headrace::baseline
