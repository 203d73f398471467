#include "headrace/formats/baseline/huffman_table.h"

#include <algorithm>
#include <numeric>

#include "headrace/formats/baseline/switches.h"

namespace headrace::baseline {
namespace {

using Symbol = HuffmanTable::Symbol;
using Skip = HuffmanTable::Skip;

// What a byte of HUFFVAL says.
struct Meaning {
  std::uint32_t run;
  std::uint32_t size;
};

Meaning meaning_of(TableClass table_class, std::uint8_t value) {
  if (table_class == TableClass::dc) return {0, value};
  const std::uint32_t size = value & 15;
  // Without a value: sixteen zeroes, or the end. Runs of ends belong to progressive files; here
  // libjpeg takes each for one.
  constexpr std::uint8_t sixteen_zeroes = 0xF0;
  const bool ends = size == 0 && value != sixteen_zeroes;
  return {ends ? Symbol::end_of_block : value >> 4, size};
}

}  // namespace

std::size_t HuffmanSpec::size() const {
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

bool HuffmanSpec::is_valid(TableClass table_class) const {
  const std::size_t used = size();
  if (used == 0 || used > symbols.size()) return false;
  std::uint32_t code = 0;
  for (unsigned length = 1; length <= counts.size(); ++length) {
    code += counts[length - 1];
    if (counts[length - 1] != 0 && code >= std::uint32_t{1} << length) return false;
    code <<= 1;
  }
  return table_class == TableClass::ac ||
         std::all_of(symbols.begin(), symbols.begin() + static_cast<std::ptrdiff_t>(used),
                     [](std::uint8_t symbol) { return symbol <= 15; });
}

void HuffmanTable::build(TableClass table_class, const HuffmanSpec& spec) {
  class_ = table_class;
  values_ = spec.symbols;
  symbols.fill(Symbol::with_size(0, Symbol::too_long, 0));
  std::uint32_t code = 0;
  std::size_t place = 0;
  Symbol* look = symbols.data();
  for (unsigned length = 1; length <= spec.counts.size(); ++length) {
    offset_[length] = static_cast<std::int32_t>(place) - static_cast<std::int32_t>(code);
    for (unsigned i = 0; i < spec.counts[length - 1]; ++i, ++place, ++code) {
      if (length <= look_bits) look = fill_looks(look, length, values_[place]);
    }
    end_[length] = code << (16 - length);
    code <<= 1;
  }
  if (class_ == TableClass::ac) fill_skips();
}

// Those that begin with a code of that length; returns where the next ones begin.
Symbol* HuffmanTable::fill_looks(Symbol* look, unsigned length, std::uint8_t value) const {
  const auto [run, size] = meaning_of(class_, value);
  const unsigned total = length + size;
  if (total > look_bits) {
    return std::fill_n(look, 1u << (look_bits - length), Symbol::with_size(total, run, size));
  }
  for (std::uint32_t bits = 0; bits < 1u << size; ++bits) {
    const Symbol symbol = Symbol::with_value(total, run, extended(bits, size));
    look = std::fill_n(look, 1u << (look_bits - total), symbol);
  }
  return look;
}

void HuffmanTable::fill_skips() {
  for (std::size_t look = 0; look < looks; ++look) {
    unsigned used = 0;
    unsigned coefficients = 0;
    for (;;) {
      const Symbol& symbol = symbols[look << used & (looks - 1)];
      const bool first = used == 0;
      if (symbol.run() == Symbol::too_long) {
        if (first) coefficients = Skip::too_long;
        break;
      }
      // What follows the bits of the look is unknown, and read as zeroes; only a first symbol may
      // reach beyond them, by its value.
      if (!first && used + symbol.total() > look_bits) break;
      used += symbol.total();
      if (symbol.run() == Symbol::end_of_block) {
        coefficients += Skip::end_of_block;
        break;
      }
      coefficients += symbol.run() + 1;
      if (used >= look_bits || skips_one_symbol) break;
    }
    skips[look] = static_cast<std::uint16_t>(coefficients << Skip::length_bits | used);
  }
}

HuffmanTable::Symbol HuffmanTable::long_symbol(std::uint64_t bits) const {
  const auto top = static_cast<std::uint32_t>(bits >> 48);
  for (unsigned length = look_bits + 1; length <= 16; ++length) {
    if (top >= end_[length]) continue;
    const auto code = static_cast<std::int32_t>(top >> (16 - length));
    const auto [run, size] =
        meaning_of(class_, values_[static_cast<std::size_t>(code + offset_[length])]);
    return Symbol::with_size(length + size, run, size);
  }
  return Symbol::with_size(0, Symbol::too_long, 0);
}

const HuffmanTable* HuffmanTableCache::find(const HuffmanSpec& spec) {
  const auto used = static_cast<std::ptrdiff_t>(std::min(spec.size(), spec.symbols.size()));
  Slot* oldest = &kept_[0];
  ++uses_;
  for (Slot& slot : kept_) {
    if (slot.last_use != 0 && slot.spec.counts == spec.counts &&
        std::equal(spec.symbols.begin(), spec.symbols.begin() + used, slot.spec.symbols.begin())) {
      slot.last_use = uses_;
      return &slot.table;
    }
    if (slot.last_use < oldest->last_use) oldest = &slot;
  }
  if (!spec.is_valid(class_)) return nullptr;
  oldest->last_use = uses_;
  oldest->spec = spec;
  oldest->table.build(class_, spec);
  return &oldest->table;
}

}  // namespace headrace::baseline
