#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/pipeline/image.h"

namespace headrace::cli {

using Colour = std::array<std::uint8_t, 3>;

// Draws on u8 pixels of 3 channels; what would lie outside of them is left out.

void fill_rectangle(Image& on, const Region& area, Colour colour);
// Pixels of 1 or 3 channels, their upper left corner at (left, top).
void draw_picture(Image& on, int left, int top, const ImageView& picture);

// Letters of 5 x 7 dots in cells of 6 x 10, each dot `scale` pixels wide; ASCII, other characters
// become '?'.
inline constexpr int cell_width = 6;
inline constexpr int cell_height = 10;
void draw_text(Image& on, int left, int top, std::string_view text, Colour colour, int scale = 1);

// Lines of at most `columns` characters, broken between words where there are any.
std::vector<std::string> wrap_text(std::string_view text, std::size_t columns);

}  // namespace headrace::cli
