#include "headrace/formats/baseline/entropy_decoder.h"

#include <limits>

namespace headrace::baseline {
namespace {

using Symbol = HuffmanTable::Symbol;
using Skip = HuffmanTable::Skip;

constexpr unsigned last_coefficient = block_size - 1;

// Where the coefficients of a block stand (Figure A.6).
constexpr std::array<std::uint8_t, block_size> natural_order = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

// The value of `size` bits at the top (F.2.2.1, EXTEND): those that begin with 0 are negative.
inline std::int32_t extend(std::uint64_t bits, unsigned size) {
  const auto value = static_cast<std::int32_t>((bits >> 1) >> (63 - size));
  const auto is_negative = static_cast<std::int32_t>(~bits >> 63);
  return value - (((std::int32_t{1} << size) - 1) & -is_negative);
}

inline unsigned look_at(const BitReader& reader) {
  return static_cast<unsigned>(reader.bits >> (64 - HuffmanTable::look_bits));
}

// Each begins and ends with a filled reader. A symbol is looked up before the reader is refilled
// behind the one before it, so that no load waits for another.

inline bool next_difference(BitReader& reader, const HuffmanTable& table,
                            std::int32_t& difference) {
  Symbol symbol = table.symbols[look_at(reader)];
  if (symbol.run == Symbol::too_long) {
    symbol = table.long_symbol(reader.bits);
    if (symbol.code == 0) return false;
  }
  difference = extend(reader.bits << symbol.code, symbol.size);
  reader.skip(symbol.total);
  return true;
}

// F.2.2.2. `flat` if there is none but zeroes.
inline bool decode_ac(BitReader& reader, const HuffmanTable& table, Block& block, bool& flat) {
  Symbol symbol = table.symbols[look_at(reader)];
  reader.refill();
  flat = symbol.run == Symbol::end_of_block;
  unsigned k = 1;
  for (;;) {
    const std::uint64_t bits = reader.bits;
    reader.skip(symbol.total);
    const Symbol next = table.symbols[look_at(reader)];
    reader.refill();
    k += symbol.run;
    if (k > last_coefficient) {
      if (symbol.run == Symbol::end_of_block) return true;
      if (symbol.run != Symbol::too_long) return false;
      k -= symbol.run;
      symbol = table.long_symbol(reader.bits);
      if (symbol.code == 0) return false;
      if (k == 1) flat = symbol.run == Symbol::end_of_block;
      continue;
    }
    block.coefficients[natural_order[k]] =
        static_cast<std::int16_t>(extend(bits << symbol.code, symbol.size));
    if (k == last_coefficient) return true;
    ++k;
    symbol = next;
  }
}

// As decode_ac() from coefficient k on, without values, one symbol at a time.
bool step_over_ac(BitReader& reader, const HuffmanTable& table, unsigned k) {
  while (k <= last_coefficient) {
    Symbol symbol = table.symbols[look_at(reader)];
    if (symbol.run == Symbol::too_long) symbol = table.long_symbol(reader.bits);
    if (symbol.code == 0) return false;
    reader.skip(symbol.total);
    reader.refill();
    if (symbol.run == Symbol::end_of_block) return true;
    k += symbol.run + 1u;
  }
  return k == block_size;
}

inline bool skip_ac(BitReader& reader, const HuffmanTable& table, const std::uint8_t* base) {
  constexpr unsigned length_mask = (1u << Skip::length_bits) - 1;
  unsigned skip = table.skips[look_at(reader)];
  reader.refill();
  unsigned k = 1;
  for (;;) {
    reader.skip(skip & length_mask);
    const unsigned next = table.skips[look_at(reader)];
    reader.refill();
    k += skip >> Skip::length_bits;
    if (k >= block_size) break;
    skip = next;
  }
  if (k == block_size || (k >= Skip::end_of_block && k < Skip::end_of_block + block_size)) {
    return true;
  }
  // The look reached into the next block, or did not hold the symbol: once more, step by step.
  reader.seek(base, reader.position(base) - (skip & length_mask));
  return step_over_ac(reader, table, k - (skip >> Skip::length_bits));
}

// Wraps around, as the additions of some encoders do.
inline std::int32_t add(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}

}  // namespace

bool EntropyDecoder::start(const Frame& frame, const EntropyCodedData& data) {
  blocks_ = 0;
  for (std::size_t c = 0; c < static_cast<std::size_t>(frame.count); ++c) {
    const Component& component = frame.components[c];
    const HuffmanTable* const dc = dc_tables_.find(component.dc);
    const HuffmanTable* const ac = ac_tables_.find(component.ac);
    if (dc == nullptr || ac == nullptr) return false;
    for (int i = 0; i < component.horizontal * component.vertical; ++i, ++blocks_) {
      codes_[static_cast<std::size_t>(blocks_)] = {dc, ac, c};
    }
  }
  data_ = &data;
  restart_interval_ = frame.restart_interval;
  return seek(0, {});
}

std::optional<ScanPosition> EntropyDecoder::position() {
  if (!pass_restart_marker()) return std::nullopt;
  return ScanPosition{reader_.position(data_->data()), dc_};
}

bool EntropyDecoder::seek(std::int64_t mcu, const ScanPosition& position) {
  segment_ = 0;
  if (restart_interval_ != 0) {
    segment_ = static_cast<std::size_t>(mcu / restart_interval_);
    before_restart_ = restart_interval_ - static_cast<unsigned>(mcu % restart_interval_);
  }
  if (segment_ >= data_->segments().size()) return false;
  const EntropyCodedData::Segment& segment = data_->segments()[segment_];
  if (position.bit < segment.begin || position.bit > segment.end) return false;
  end_ = segment.end;
  mcu_ = mcu;
  dc_ = position.dc;
  reader_.seek(data_->data(), position.bit);
  return true;
}

bool EntropyDecoder::begin_mcu() {
  if (restart_interval_ == 0) return true;
  if (!pass_restart_marker()) return false;
  --before_restart_;
  return true;
}

// If one is due (E.2.4). Bytes that are left over before it are what libjpeg warns of.
bool EntropyDecoder::pass_restart_marker() {
  if (restart_interval_ == 0 || before_restart_ != 0) return true;
  if (end_ - reader_.position(data_->data()) >= 8) return false;
  if (++segment_ >= data_->segments().size()) return false;
  const EntropyCodedData::Segment& segment = data_->segments()[segment_];
  end_ = segment.end;
  dc_ = {};
  before_restart_ = restart_interval_;
  reader_.seek(data_->data(), segment.begin);
  return true;
}

bool EntropyDecoder::end_mcu(const BitReader& reader) {
  reader_ = reader;
  ++mcu_;
  return reader.position(data_->data()) <= end_;
}

inline bool EntropyDecoder::skip_block(BitReader& reader, const BlockCode& code) {
  std::int32_t difference = 0;
  if (!next_difference(reader, *code.dc, difference)) return false;
  dc_[code.component] = add(dc_[code.component], difference);
  return skip_ac(reader, *code.ac, data_->data());
}

bool EntropyDecoder::skip(std::int64_t mcus) {
  for (; mcus > 0; --mcus) {
    if (!begin_mcu()) return false;
    BitReader reader = reader_;
    for (int i = 0; i < blocks_; ++i) {
      if (!skip_block(reader, codes_[static_cast<std::size_t>(i)])) return false;
    }
    if (!end_mcu(reader)) return false;
  }
  return true;
}

bool EntropyDecoder::decode(Mcu& mcu) {
  if (!begin_mcu()) return false;
  BitReader reader = reader_;
  mcu.flat = 0;
  for (int i = 0; i < blocks_; ++i) {
    const BlockCode& code = codes_[static_cast<std::size_t>(i)];
    if ((mcu.wanted >> i & 1) == 0) {
      if (!skip_block(reader, code)) return false;
      continue;
    }
    Block& block = mcu.blocks[static_cast<std::size_t>(i)];
    std::int32_t difference = 0;
    if (!next_difference(reader, *code.dc, difference)) return false;
    std::int32_t& dc = dc_[code.component];
    dc = add(dc, difference);
    if (dc < std::numeric_limits<std::int16_t>::min() ||
        dc > std::numeric_limits<std::int16_t>::max()) {
      return false;
    }
    block.coefficients.fill(0);
    block.coefficients[0] = static_cast<std::int16_t>(dc);
    bool flat = false;
    if (!decode_ac(reader, *code.ac, block, flat)) return false;
    mcu.flat |= static_cast<unsigned>(flat) << i;
  }
  return end_mcu(reader);
}

}  // namespace headrace::baseline
