#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "headrace/formats/baseline/bit_reader.h"
#include "headrace/formats/baseline/entropy_coded_data.h"
#include "headrace/formats/baseline/frame.h"

namespace headrace::baseline {

// Of each component, the DC coefficient of its last block.
using Predictions = std::array<std::int32_t, 3>;

// Where decoding goes on: before an MCU.
struct ScanPosition {
  std::uint64_t bit = 0;  // of EntropyCodedData
  Predictions dc{};
};

// The coefficients of a block, dequantized by nobody, in natural order; none is -2^15.
struct alignas(32) Block {
  std::array<std::int16_t, block_size> coefficients;
};

// Decodes the MCUs of a scan in their order (ITU-T T.81, F.2). It is strict: data that are damaged,
// end early or are merely odd make its functions return false, and are libjpeg's to judge. What it
// accepts is what libjpeg decodes to the same coefficients without a warning.
class EntropyDecoder {
 public:
  static constexpr int most_blocks = 6;

  EntropyDecoder();

  // Starts at the first MCU. False if a Huffman table is not valid. All of it must stay valid.
  bool start(const Frame& frame, const EntropyCodedData& data);

  std::int64_t next_mcu() const { return mcu_; }
  // Where the next MCU begins, behind a restart marker that is due. Nothing if that is not there.
  // Requires that there is a next MCU.
  std::optional<ScanPosition> position();
  // Goes to where `position()` was at that MCU. False if there is no such place.
  bool seek(std::int64_t mcu, const ScanPosition& position);

  // Passes over MCUs, keeping no more of them than the DC predictions.
  bool skip(std::int64_t mcus);

  // What of an MCU is wanted, a bit a block, of which blocks the DC coefficient alone, and what it
  // holds: a bit for each block that has nothing but that.
  struct Mcu {
    unsigned wanted = 0;
    unsigned wanted_flat = 0;
    unsigned flat = 0;
    std::array<Block, most_blocks> blocks;
  };
  bool decode(Mcu& mcu);

  // The tables of a block of an MCU.
  struct BlockCode {
    const HuffmanTable* dc;
    const HuffmanTable* ac;
    std::size_t component;
  };

 private:
  using SkipBlocks = bool (*)(BitReader& at, std::span<const BlockCode> codes, Predictions& dc,
                              const std::uint8_t* base);
  using DecodeBlocks = bool (*)(BitReader& at, std::span<const BlockCode> codes, Predictions& dc,
                                const std::uint8_t* base, Mcu& mcu);

  bool begin_mcu();
  bool pass_restart_marker();
  bool end_mcu();

  SkipBlocks skip_blocks_;  // for this CPU
  DecodeBlocks decode_blocks_;
  const EntropyCodedData* data_ = nullptr;
  std::array<BlockCode, most_blocks> codes_{};
  int blocks_ = 0;
  unsigned restart_interval_ = 0;

  BitReader reader_;
  Predictions dc_{};
  std::int64_t mcu_ = 0;
  unsigned before_restart_ = 0;  // MCUs, if there are restart markers
  std::size_t segment_ = 0;
  std::uint64_t end_ = 0;  // of the segment, in bits

  HuffmanTableCache dc_tables_{TableClass::dc};
  HuffmanTableCache ac_tables_{TableClass::ac};
};

}  // namespace headrace::baseline
