#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace headrace {

// What the head of a NumPy array says (.npy, versions 1 to 3). Private to formats.
struct NpyHeader {
  char kind = 0;               // 'u', 'i', 'f' or 'b' (bool)
  std::size_t item_bytes = 0;  // 1, 2, 4 or 8
  std::vector<std::int64_t> shape;
  std::size_t data_offset = 0;

  std::int64_t items() const;
};

// As many bytes of a file as always hold its head, unless it is refused.
constexpr std::size_t most_npy_head_bytes = std::size_t{1} << 16;

// Parses the first bytes of a file of `file_bytes`.
// Throws Error{corrupt_data} "NAME: what is wrong" if it is no array or does not have just the
// bytes that its head speaks of; Error{unsupported} for arrays in Fortran's order, big-endian
// numbers, records, strings and objects. Source: NumPy, "NumPy Enhancement Proposal 1 - A Simple
// File Format for NumPy Arrays".
NpyHeader parse_npy_header(std::span<const std::byte> head, std::uint64_t file_bytes,
                           const std::string& name);

}  // namespace headrace
