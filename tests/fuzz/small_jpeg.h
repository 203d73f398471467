#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace headrace::fuzz {

// The first bytes of an input choose the kind of a file:
//   0  modulo 5: grey, or three components 4:4:4, 4:2:2, 4:4:0, 4:2:0; the next digit says whether
//      what follows is entropy-coded data (0), or symbols (1)
//   1  height less 1, modulo 80
//   2  width less 1, modulo 80
//   3  1 modulo 4: restart markers, each so many MCUs
//   4  how coarse the quantization is
// The others are the caller's.
constexpr std::size_t choices = 10;

// A baseline JPEG file of any input of `choices` bytes or more. Its Huffman tables are those that a
// file without any has. Symbols make a file that is sound in all but its numbers; they end with
// blocks of nothing but zeroes.
std::vector<std::uint8_t> small_jpeg(std::span<const std::uint8_t> input);

}  // namespace headrace::fuzz
