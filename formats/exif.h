#pragma once

#include <cstddef>
#include <span>

namespace headrace {

// Reads the orientation (1..8, 1 is upright) from EXIF data, or from the head of a TIFF file: the
// same structure. `tiff` starts at the byte-order mark "II" or "MM", behind the "Exif\0\0" of a
// JPEG's APP1 segment. Anything missing, damaged or out of range gives 1; never reads outside
// `tiff`, never allocates. From any thread.
// Source: Exif 2.32 (CIPA DC-008), 4.6.2 and 4.6.4 (tag 0x0112).
int exif_orientation(std::span<const std::byte> tiff) noexcept;

// The same for the content of a JPEG's APP1 segment, behind its length; 1 if it is not EXIF.
int app1_orientation(std::span<const std::byte> segment) noexcept;

}  // namespace headrace
