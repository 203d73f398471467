#include "headrace/formats/baseline/entropy_coded_data.h"

#include <cstring>

#include "headrace/formats/baseline/switches.h"

namespace headrace::baseline {

void EntropyCodedData::take(std::span<const std::byte> scan, bool restarts, std::uint64_t most) {
  constexpr unsigned char first_restart_marker = 0xD0;
  if (bytes_.size() < scan.size() + padding) bytes_.resize(scan.size() + padding);
  segments_.clear();
  const auto* from = reinterpret_cast<const unsigned char*>(scan.data());
  const unsigned char* const end = from + scan.size();
  std::uint8_t* to = bytes_.data();
  std::uint64_t begin = 0;
  const auto taken = [&] { return static_cast<std::uint64_t>(to - bytes_.data()); };
  const auto close_segment = [&] {
    segments_.push_back({begin, taken() * 8});
    begin = taken() * 8;
  };
  while (from != end && taken() < most) {
    const void* const found = std::memchr(from, 0xFF, static_cast<std::size_t>(end - from));
    const auto* const stop = found == nullptr ? end : static_cast<const unsigned char*>(found);
    const auto length = static_cast<std::size_t>(stop - from);
    std::memcpy(to, from, length);
    to += length;
    if (end - stop < 2) break;
    if (stop[1] == 0) {
      *to++ = 0xFF;
    } else if (restarts && stop[1] == first_restart_marker + segments_.size() % 8) {
      close_segment();
    } else {
      break;
    }
    from = stop + 2;
  }
  close_segment();
  if (!trusts_files) std::memset(to, 0, padding);
}

}  // namespace headrace::baseline
