#include "headrace/cli/csv.h"

namespace headrace::cli {

std::string csv_field(std::string_view text, bool quote_always) {
  if (!quote_always && text.find_first_of(",\"\r\n") == std::string_view::npos)
    return std::string(text);
  std::string field = "\"";
  for (const char c : text) {
    if (c == '"') field += '"';
    field += c;
  }
  return field + "\"";
}

}  // namespace headrace::cli
