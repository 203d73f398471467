#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "headrace/formats/byte_source.h"

namespace headrace {

// Values of variable length, as an HDF5 file keeps them: an array has a reference for each, and the
// bytes lie in a global heap. Private to formats. Source: The HDF Group, "HDF5 File Format
// Specification Version 3.0", III.E "Disk Format: Level 1E - Global Heap" and VIII.C.
struct HeapReference {
  static constexpr std::size_t bytes = 16;

  std::uint32_t length = 0;      // in bytes, of values of one byte
  std::uint64_t collection = 0;  // where it begins in the file
  std::uint32_t object = 0;      // its number there

  static HeapReference parse(std::span<const std::byte, bytes> from);
};

// Reads the value into the begin of `into`, which is made as large as needed; how many bytes it
// has. Reads no more than its collection, and not beyond the file, whatever its bytes.
// Throws Error{corrupt_data} "NAME at byte N: what is wrong".
std::size_t read_heap_value(const ByteSource& file, const std::string& name,
                            const HeapReference& reference, std::vector<std::byte>& into);

}  // namespace headrace
