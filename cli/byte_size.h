#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace headrace::cli {

// A number of bytes as people write it: "4096", "512MiB", "1.5 GiB", "2GB", "2G". kB, MB, GB and TB
// count in thousands; KiB, MiB, GiB and TiB, and K, M, G and T alone, in 1024s. Capitals do not
// matter. Nothing if it is none, is below one byte, or is more than fits.
std::optional<std::size_t> parse_byte_size(std::string_view text);

// "12.0 MB", "512 bytes": to three digits or so, in thousands.
std::string byte_size_text(double bytes);

}  // namespace headrace::cli
