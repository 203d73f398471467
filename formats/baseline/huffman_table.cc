#include "headrace/formats/baseline/huffman_table.h"

#include <algorithm>
#include <numeric>

namespace headrace::baseline {
namespace {

using Symbol = HuffmanTable::Symbol;
using Skip = HuffmanTable::Skip;

Symbol describe(TableClass table_class, std::uint8_t value, unsigned code) {
  Symbol symbol{};
  symbol.size = table_class == TableClass::dc ? value : value & 15;
  symbol.code = static_cast<std::uint8_t>(code);
  symbol.total = static_cast<std::uint8_t>(code + symbol.size);
  if (table_class == TableClass::dc) return symbol;
  symbol.run = value >> 4;
  // Without a value: sixteen zeroes, or the end. Runs of ends belong to progressive files; here
  // libjpeg takes each for one.
  constexpr std::uint8_t sixteen_zeroes = 0xF0;
  if (symbol.size == 0 && value != sixteen_zeroes) symbol.run = Symbol::end_of_block;
  return symbol;
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
  symbols.fill({0, Symbol::too_long, 0, 0});
  std::uint32_t code = 0;
  std::size_t place = 0;
  auto look = symbols.begin();
  for (unsigned length = 1; length <= spec.counts.size(); ++length) {
    offset_[length] = static_cast<std::int32_t>(place) - static_cast<std::int32_t>(code);
    for (unsigned i = 0; i < spec.counts[length - 1]; ++i, ++place, ++code) {
      if (length > look_bits) continue;
      look = std::fill_n(look, std::size_t{1} << (look_bits - length),
                         describe(class_, values_[place], length));
    }
    end_[length] = code << (16 - length);
    code <<= 1;
  }
  if (class_ == TableClass::ac) fill_skips();
}

void HuffmanTable::fill_skips() {
  for (std::size_t look = 0; look < looks; ++look) {
    unsigned used = 0;
    unsigned coefficients = 0;
    for (;;) {
      const Symbol& symbol = symbols[look << used & (looks - 1)];
      const bool first = used == 0;
      if (symbol.run == Symbol::too_long) {
        if (first) coefficients = Skip::too_long;
        break;
      }
      // What follows the bits of the look is unknown, and read as zeroes; only a first symbol may
      // reach beyond them, and only by its value.
      if (used + symbol.code > look_bits || (!first && used + symbol.total > look_bits)) break;
      used += symbol.total;
      if (symbol.run == Symbol::end_of_block) {
        coefficients += Skip::end_of_block;
        break;
      }
      coefficients += symbol.run + 1u;
      if (used >= look_bits) break;
    }
    skips[look] = static_cast<std::uint16_t>(coefficients << Skip::length_bits | used);
  }
}

HuffmanTable::Symbol HuffmanTable::long_symbol(std::uint64_t bits) const {
  const auto top = static_cast<std::uint32_t>(bits >> 48);
  for (unsigned length = look_bits + 1; length <= 16; ++length) {
    if (top >= end_[length]) continue;
    const auto code = static_cast<std::int32_t>(top >> (16 - length));
    return describe(class_, values_[static_cast<std::size_t>(code + offset_[length])], length);
  }
  return {0, Symbol::too_long, 0, 0};
}

const HuffmanTable* HuffmanTableCache::find(const HuffmanSpec& spec) {
  const std::size_t used = spec.size();
  for (const Slot& slot : kept_) {
    if (slot.used && slot.spec.counts == spec.counts &&
        std::equal(spec.symbols.begin(), spec.symbols.begin() + static_cast<std::ptrdiff_t>(used),
                   slot.spec.symbols.begin())) {
      return &slot.table;
    }
  }
  if (!spec.is_valid(class_)) return nullptr;
  Slot& slot = kept_[turn_];
  turn_ = (turn_ + 1) % slots;
  slot.used = true;
  slot.spec = spec;
  slot.table.build(class_, spec);
  return &slot.table;
}

}  // namespace headrace::baseline
