#include "headrace/formats/baseline/entropy_decoder.h"

#include <bit>
#include <span>

#include "headrace/formats/baseline/switches.h"

namespace headrace::baseline {
namespace {

using Symbol = HuffmanTable::Symbol;
using Skip = HuffmanTable::Skip;
using BlockCode = EntropyDecoder::BlockCode;

constexpr unsigned last_coefficient = block_size - 1;

// Where the coefficients of a block stand (Figure A.6).
constexpr std::array<std::uint8_t, block_size> natural_order = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

// The loops are compiled twice, since with BMI2 shifts take one instruction and any register.
#define HEADRACE_INLINE inline __attribute__((always_inline))

// The value of a symbol whose code and value are at the top of `bits`. Nearly all symbols hold it.
HEADRACE_INLINE std::int32_t value_of(std::uint64_t bits, Symbol symbol) {
  if (symbol.holds_value()) [[likely]]
    return symbol.value();
  const std::uint32_t mask = (std::uint32_t{1} << symbol.size()) - 1;
  const std::uint64_t at_bottom = std::rotl(bits, static_cast<int>(symbol.total()));
  return extended(static_cast<std::uint32_t>(at_bottom) & mask, symbol.size());
}

HEADRACE_INLINE std::size_t look_at(const BitReader& reader) {
  return static_cast<std::size_t>(reader.bits >> (64 - HuffmanTable::look_bits));
}

// Each begins and ends with a filled reader. A symbol is looked up before the reader is refilled
// behind the one before it, so that no load waits for another.

HEADRACE_INLINE bool next_difference(BitReader& reader, const HuffmanTable& table,
                                     std::int32_t& difference) {
  Symbol symbol = table.symbols[look_at(reader)];
  if (symbol.run() == Symbol::too_long) {
    symbol = table.long_symbol(reader.bits);
    if (!trusts_files && symbol.total() == 0) return false;
  }
  difference = value_of(reader.bits, symbol);
  reader.skip(symbol.total());
  return true;
}

// F.2.2.2. `flat` if there is none but zeroes.
HEADRACE_INLINE bool decode_ac(BitReader& reader, const HuffmanTable& table, Block& block,
                               bool& flat) {
  Symbol symbol = table.symbols[look_at(reader)];
  reader.refill();
  flat = symbol.run() == Symbol::end_of_block;
  unsigned k = 1;
  for (;;) {
    const std::uint64_t bits = reader.bits;
    reader.skip(symbol.total());
    const Symbol next = table.symbols[look_at(reader)];
    reader.refill();
    k += symbol.run();
    if (k > last_coefficient) [[unlikely]] {
      if (symbol.run() == Symbol::end_of_block) return true;
      if (symbol.run() != Symbol::too_long) return false;
      k -= symbol.run();
      symbol = table.long_symbol(reader.bits);
      if (!trusts_files && symbol.total() == 0) return false;
      if (k == 1) flat = symbol.run() == Symbol::end_of_block;
      continue;
    }
    block.coefficients[natural_order[k]] = static_cast<std::int16_t>(value_of(bits, symbol));
    if (k == last_coefficient) [[unlikely]]
      return true;
    ++k;
    symbol = next;
  }
}

// As decode_ac() from coefficient k on, without values, one symbol at a time.
bool step_over_ac(BitReader& reader, const HuffmanTable& table, unsigned k) {
  while (k <= last_coefficient) {
    Symbol symbol = table.symbols[look_at(reader)];
    if (symbol.run() == Symbol::too_long) symbol = table.long_symbol(reader.bits);
    if (symbol.total() == 0) return false;
    reader.skip(symbol.total());
    reader.refill();
    if (symbol.run() == Symbol::end_of_block) return true;
    k += symbol.run() + 1;
  }
  return k == block_size;
}

HEADRACE_INLINE bool skip_ac(BitReader& reader, const HuffmanTable& table,
                             const std::uint8_t* base) {
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
  BitReader again;
  again.seek(base, reader.position(base) - (skip & length_mask));
  const bool good = step_over_ac(again, table, k - (skip >> Skip::length_bits));
  reader = again;
  return good;
}

// Wraps around, as the additions of some encoders do.
HEADRACE_INLINE std::int32_t add(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}

// Of a sum of differences, which may be any number.
HEADRACE_INLINE bool is_coefficient(std::int32_t value) {
  constexpr std::int32_t most = 32767;
  return trusts_files || (value >= -most && value <= most);
}

HEADRACE_INLINE bool skip_block(BitReader& reader, const BlockCode& code, Predictions& dc,
                                const std::uint8_t* base) {
  std::int32_t difference = 0;
  if (!next_difference(reader, *code.dc, difference)) return false;
  dc[code.component] = add(dc[code.component], difference);
  return skip_ac(reader, *code.ac, base);
}

HEADRACE_INLINE bool decode_block(BitReader& reader, const BlockCode& code, Predictions& dc,
                                  Block& block, bool& flat) {
  std::int32_t difference = 0;
  if (!next_difference(reader, *code.dc, difference)) return false;
  const std::int32_t value = add(dc[code.component], difference);
  dc[code.component] = value;
  if (!is_coefficient(value)) return false;
  block.coefficients.fill(0);
  block.coefficients[0] = static_cast<std::int16_t>(value);
  return decode_ac(reader, *code.ac, block, flat);
}

HEADRACE_INLINE bool skip_blocks_anyhow(BitReader& at, std::span<const BlockCode> codes,
                                        Predictions& dc, const std::uint8_t* base) {
  BitReader reader = at;
  for (const BlockCode& code : codes) {
    if (!skip_block(reader, code, dc, base)) return false;
  }
  at = reader;
  return true;
}

HEADRACE_INLINE bool decode_blocks_anyhow(BitReader& at, std::span<const BlockCode> codes,
                                          Predictions& dc, const std::uint8_t* base,
                                          EntropyDecoder::Mcu& mcu) {
  BitReader reader = at;
  mcu.flat = 0;
  unsigned bit = 1;
  Block* block = mcu.blocks.data();
  for (const BlockCode& code : codes) {
    if ((mcu.wanted & bit) == 0) {
      if (!skip_block(reader, code, dc, base)) return false;
    } else if ((mcu.wanted_flat & bit) != 0) {
      if (!skip_block(reader, code, dc, base)) return false;
      const std::int32_t value = dc[code.component];
      if (!is_coefficient(value)) return false;
      block->coefficients[0] = static_cast<std::int16_t>(value);
      mcu.flat |= bit;
    } else {
      bool flat = false;
      if (!decode_block(reader, code, dc, *block, flat)) return false;
      if (flat) mcu.flat |= bit;
    }
    bit <<= 1;
    ++block;
  }
  at = reader;
  return true;
}

bool skip_blocks(BitReader& at, std::span<const BlockCode> codes, Predictions& dc,
                 const std::uint8_t* base) {
  return skip_blocks_anyhow(at, codes, dc, base);
}

bool decode_blocks(BitReader& at, std::span<const BlockCode> codes, Predictions& dc,
                   const std::uint8_t* base, EntropyDecoder::Mcu& mcu) {
  return decode_blocks_anyhow(at, codes, dc, base, mcu);
}

#if defined(__x86_64__)
__attribute__((target("bmi,bmi2"))) bool skip_blocks_bmi2(BitReader& at,
                                                          std::span<const BlockCode> codes,
                                                          Predictions& dc,
                                                          const std::uint8_t* base) {
  return skip_blocks_anyhow(at, codes, dc, base);
}

__attribute__((target("bmi,bmi2"))) bool decode_blocks_bmi2(BitReader& at,
                                                            std::span<const BlockCode> codes,
                                                            Predictions& dc,
                                                            const std::uint8_t* base,
                                                            EntropyDecoder::Mcu& mcu) {
  return decode_blocks_anyhow(at, codes, dc, base, mcu);
}
#endif

}  // namespace

EntropyDecoder::EntropyDecoder() : skip_blocks_(skip_blocks), decode_blocks_(decode_blocks) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("bmi2") != 0) {
    skip_blocks_ = skip_blocks_bmi2;
    decode_blocks_ = decode_blocks_bmi2;
  }
#endif
}

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

bool EntropyDecoder::end_mcu() {
  ++mcu_;
  return trusts_files || reader_.position(data_->data()) <= end_;
}

bool EntropyDecoder::skip(std::int64_t mcus) {
  const std::span<const BlockCode> codes(codes_.data(), static_cast<std::size_t>(blocks_));
  for (; mcus > 0; --mcus) {
    if (!begin_mcu() || !skip_blocks_(reader_, codes, dc_, data_->data()) || !end_mcu()) {
      return false;
    }
  }
  return true;
}

bool EntropyDecoder::decode(Mcu& mcu) {
  const std::span<const BlockCode> codes(codes_.data(), static_cast<std::size_t>(blocks_));
  return begin_mcu() && decode_blocks_(reader_, codes, dc_, data_->data(), mcu) && end_mcu();
}

}  // namespace headrace::baseline
