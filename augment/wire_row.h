#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "headrace/augment/axis.h"

namespace headrace {

// What a row of an image field holds on its way to a GPU: this, then pixels. A row of zeros is a
// row of zeros of the output, too. Not installed.
struct WirePlan {
  enum class Kind : std::uint32_t {
    blank,   // zeros
    levels,  // levels of the output, [height, width, channels], follow
    image,   // an image as the data set has it follows; the axes say what becomes of it
    gather,  // the image lies on the GPU: number `record`
  };
  Axis rows;
  Axis columns;
  std::int64_t record = 0;
  std::int32_t constant = 0;  // level for FillMode::constant
  Kind kind = Kind::blank;
};
static_assert(std::is_trivially_copyable_v<WirePlan> && sizeof(WirePlan) % 16 == 0);

// So that each row of a batch can be read by 16 bytes at a time.
constexpr std::size_t wire_row_bytes(std::size_t pixel_bytes) {
  return (sizeof(WirePlan) + pixel_bytes + 15) / 16 * 16;
}

// What a GPU resamples by itself: as many taps, of outputs as wide, as its fast memory has tables
// for.
inline constexpr int most_device_taps = 16;
inline constexpr int most_device_side = 512;

}  // namespace headrace
