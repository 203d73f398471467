#include "headrace/train/layers/dropout_mask.h"

#include <array>
#include <cstddef>

#include "headrace/pipeline/rng.h"

namespace headrace {
namespace {

constexpr std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
constexpr std::uint32_t high(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32);
}

}  // namespace

void dropout_mask(DropoutStep at, std::int32_t node, std::int64_t row, double rate,
                  std::span<float> mask) {
  const auto drawn = philox4x32({low(at.step), high(at.step), stream_id("dropout"), 0},
                                {low(at.seed), high(at.seed)});
  const std::array<std::uint32_t, 2> key{drawn[0], drawn[1]};
  const auto threshold = static_cast<std::uint64_t>(rate * 4294967296.0);
  const auto kept = static_cast<float>(1.0 / (1.0 - rate));
  const auto sample = static_cast<std::uint64_t>(row);
  for (std::size_t first = 0; first < mask.size(); first += 4) {
    const auto words = philox4x32({static_cast<std::uint32_t>(first / 4),
                                   static_cast<std::uint32_t>(node), low(sample), high(sample)},
                                  key);
    for (std::size_t lane = 0; lane < 4 && first + lane < mask.size(); ++lane) {
      mask[first + lane] = words[lane] < threshold ? 0.0f : kept;
    }
  }
}

}  // namespace headrace
