#pragma once

#include <string>
#include <string_view>

namespace headrace::cli {

// A field of a CSV row, in quotes if it holds commas, quotes or line breaks (RFC 4180), or anyway.
std::string csv_field(std::string_view text, bool quote_always = false);

}  // namespace headrace::cli
