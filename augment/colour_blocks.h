#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace headrace {

// So many pixels of three channels, apart by channel: what loops over colours take at a time.
struct ColourBlock {
  static constexpr std::size_t pixels = 64;
  static constexpr std::size_t levels = 3 * pixels;

  alignas(64) std::array<std::array<std::uint8_t, pixels>, 3> of;
};

// Between levels[3 i + c] and block.of[c][i], for each of a block's pixels.
void split_colours(const std::uint8_t* levels, ColourBlock& block);
void join_colours(const ColourBlock& block, std::uint8_t* levels);

// The same for AVX2, and for CPUs that has_wide_bytes() is true of.
namespace x86 {
void split_colours(const std::uint8_t* levels, ColourBlock& block);
void join_colours(const ColourBlock& block, std::uint8_t* levels);
void split_colours_wide(const std::uint8_t* levels, ColourBlock& block);
void join_colours_wide(const ColourBlock& block, std::uint8_t* levels);
}  // namespace x86

}  // namespace headrace
