#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace headrace::baseline {

enum class TableClass { dc, ac };

// BITS and HUFFVAL of a DHT segment (ITU-T T.81, B.2.4.2): how many codes there are of 1 to 16
// bits, and their symbols, shortest first.
struct HuffmanSpec {
  std::array<std::uint8_t, 16> counts{};
  std::array<std::uint8_t, 256> symbols{};

  std::size_t size() const;
  // True of what libjpeg accepts: a prefix code without a code of ones alone, DC symbols up to 15.
  bool is_valid(TableClass table_class) const;
};

// A value of `size` bits (F.2.2.1, EXTEND): of those of its size the lower half stands for negative
// ones.
inline std::int32_t extended(std::uint32_t bits, std::uint32_t size) {
  const std::uint32_t mask = (std::uint32_t{1} << size) - 1;
  return static_cast<std::int32_t>(2 * bits <= mask ? bits - mask : bits);
}

// What the next 11 bits say, so that one look gives a symbol and the length of all of it.
struct HuffmanTable {
  static constexpr unsigned look_bits = 11;
  static constexpr std::size_t looks = std::size_t{1} << look_bits;

  // A symbol (F.1.2), in one word: the bits of its code and of the value behind it, together; the
  // zeroes before it; the value, if a look holds all of it, else its size. There are no bits where
  // a look does not tell the code.
  struct Symbol {
    std::uint32_t word;

    static constexpr std::uint32_t end_of_block = 64;  // in place of a run
    static constexpr std::uint32_t too_long = 128;

    static constexpr Symbol with_value(std::uint32_t total, std::uint32_t run, std::int32_t value) {
      return {total | run << 8 | static_cast<std::uint32_t>(value) << 16};
    }
    static constexpr Symbol with_size(std::uint32_t total, std::uint32_t run, std::uint32_t size) {
      return {total | beyond_look | run << 8 | size << 16};
    }
    constexpr std::uint32_t total() const { return word & 63; }
    constexpr std::uint32_t run() const { return word >> 8 & 255; }
    constexpr bool holds_value() const { return (word & beyond_look) == 0; }
    constexpr std::int32_t value() const { return static_cast<std::int32_t>(word) >> 16; }
    constexpr std::uint32_t size() const { return word >> 16; }

   private:
    static constexpr std::uint32_t beyond_look = 64;
  };

  // AC symbols to be skipped, as many as a look holds in full: their bits in the low 5, above those
  // the coefficients they stand for. `end_of_block` is added if the last of them is one;
  // `too_long` stands for a code longer than a look.
  struct Skip {
    static constexpr unsigned length_bits = 5;
    static constexpr unsigned end_of_block = 512;
    static constexpr unsigned too_long = 1024;
  };

  std::array<Symbol, looks> symbols;
  std::array<std::uint16_t, looks> skips;  // of AC tables

  // Requires a valid spec.
  void build(TableClass table_class, const HuffmanSpec& spec);

  // The symbol whose code begins `bits` (at the top); for those a look does not tell. Without bits
  // if no code begins like that.
  Symbol long_symbol(std::uint64_t bits) const;

 private:
  Symbol* fill_looks(Symbol* look, unsigned length, std::uint8_t value) const;
  void fill_skips();

  TableClass class_ = TableClass::dc;
  // Of each length (C.2, F.2.2.3): one more than the last code, at the top of 16 bits, and what to
  // add to a code to get its place in `values_`.
  std::array<std::uint32_t, 17> end_{};
  std::array<std::int32_t, 17> offset_{};
  std::array<std::uint8_t, 256> values_{};
};

// The tables of the last files, found again by their bytes: building one takes longer than a small
// image.
class HuffmanTableCache {
 public:
  explicit HuffmanTableCache(TableClass table_class) : class_(table_class) {}

  // Null if the spec is not valid. Good until `slots` others have been asked for: what was used
  // longest ago makes room.
  const HuffmanTable* find(const HuffmanSpec& spec);

  static constexpr std::size_t slots = 4;  // a scan has at most three of a class

 private:
  struct Slot {
    std::uint64_t last_use = 0;  // 0: empty
    HuffmanSpec spec;
    HuffmanTable table;
  };

  TableClass class_;
  std::array<Slot, slots> kept_;
  std::uint64_t uses_ = 0;
};

}  // namespace headrace::baseline
