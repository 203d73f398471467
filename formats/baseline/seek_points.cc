#include "headrace/formats/baseline/seek_points.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace headrace::baseline {
namespace {

// As it is stored: numbers of this machine.
struct Stored {
  std::uint32_t bit;
  std::array<std::int16_t, 3> dc;
};

bool store(const ScanPosition& position, std::byte* to) {
  Stored stored{};
  if (position.bit > std::numeric_limits<std::uint32_t>::max()) return false;
  stored.bit = static_cast<std::uint32_t>(position.bit);
  for (std::size_t c = 0; c < stored.dc.size(); ++c) {
    stored.dc[c] = static_cast<std::int16_t>(position.dc[c]);
    if (stored.dc[c] != position.dc[c]) return false;
  }
  std::memcpy(to, &stored.bit, sizeof stored.bit);
  std::memcpy(to + sizeof stored.bit, stored.dc.data(), sizeof stored.dc);
  return true;
}

}  // namespace

ScanPosition SeekPoints::operator[](std::int64_t i) const {
  const std::byte* const from = bytes_.data() + static_cast<std::size_t>(i) * point_bytes;
  Stored stored{};
  std::memcpy(&stored.bit, from, sizeof stored.bit);
  std::memcpy(stored.dc.data(), from + sizeof stored.bit, sizeof stored.dc);
  return {stored.bit, {stored.dc[0], stored.dc[1], stored.dc[2]}};
}

bool make_seek_points(EntropyDecoder& entropy, const Frame& frame, const EntropyCodedData& data,
                      std::vector<std::byte>& into) {
  if (!entropy.start(frame, data)) return false;
  const ImageSize mcus = frame.mcus();
  const std::int64_t count = std::int64_t{mcus.height} * mcus.width;
  for (std::int64_t mcu = 0; mcu < count; mcu += SeekPoints::interval) {
    const auto position = entropy.position();
    const std::size_t at = into.size();
    into.resize(at + SeekPoints::point_bytes);
    if (!position || !store(*position, into.data() + at)) return false;
    if (!entropy.skip(std::min(SeekPoints::interval, count - mcu))) return false;
  }
  return true;
}

}  // namespace headrace::baseline
