#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "headrace/formats/record_facts.h"
#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/decoder.h"

namespace headrace {

// Beyond these a size is odd.
struct SizeLimits {
  int least_side = 8;
  double most_ratio = 10;  // of the longer side to the shorter
  std::int64_t most_pixels = 100'000'000;
};

// Looks at records, one after the other: reads, decodes in full, and notes what is odd. Private to
// formats. One thread at a time.
class Examiner {
 public:
  Examiner(const Dataset& dataset, const Decoder& decoder, const SizeLimits& limits);

  struct Result {
    RecordFacts facts;
    std::string message;  // why it cannot be used
  };
  // Throws Error only for what is not the record's fault.
  Result examine(std::int64_t index);

 private:
  void examine_file(std::int64_t index, std::span<const std::byte> file, Result& result);
  void examine_pixels(const ImageView& view, RecordFacts& facts) const;
  void check_size(RecordFacts& facts) const;

  const Dataset& dataset_;
  SizeLimits limits_;
  std::unique_ptr<DecodeSession> session_;
  std::size_t image_ = 0;
  bool labelled_ = false;
  Record record_;
  Image decoded_;
};

// How an image looks: fills `across`, `down` and `mean` from u8 pixels of 1 or 3 channels.
void look_at(const ImageView& pixels, RecordFacts& facts);
// Whether the three channels of u8 pixels are the same.
bool is_grey(const ImageView& pixels);
// Bits of a sample of an image file, 8 where that is not told.
int bits_of_sample(std::span<const std::byte> file);
// Whether a name has the suffix of a kind of image that those bytes are not.
bool is_misnamed(std::string_view name, std::span<const std::byte> file);

}  // namespace headrace
