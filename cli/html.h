#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace headrace::cli {

// Bytes as they stand in a data: address.
std::string base64(std::span<const std::byte> bytes);
// Text as it stands in a page, or in an attribute between double quotes.
std::string escaped(std::string_view text);

}  // namespace headrace::cli
