#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "headrace/augment/painter.h"

namespace headrace {

// What each level of a channel becomes.
using LevelTable = std::array<std::uint8_t, 256>;

// Requires a table for each channel.
inline void look_up(const Canvas<std::uint8_t>& canvas, const std::vector<LevelTable>& tables) {
  static_assert(sizeof(LevelTable) == 256);
  canvas.kernels.painting->look_up(canvas.data, canvas.elements(),
                                   reinterpret_cast<const std::uint8_t(*)[256]>(tables.data()),
                                   canvas.channels());
}

}  // namespace headrace
