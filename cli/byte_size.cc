#include "headrace/cli/byte_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace headrace::cli {
namespace {

// What a unit stands for; 0: there is none of that name.
double unit_of(std::string unit) {
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (unit.empty() || unit == "b") return 1;
  const std::size_t power = std::string_view("kmgt").find(unit[0]) + 1;
  if (power == 0) return 0;
  const std::string rest = unit.substr(1);
  if (rest != "" && rest != "b" && rest != "ib") return 0;
  double factor = 1;
  for (std::size_t i = 0; i < power; ++i) factor *= rest == "b" ? 1000 : 1024;
  return factor;
}

}  // namespace

std::optional<std::size_t> parse_byte_size(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (fault != std::errc()) return std::nullopt;
  const char* unit = std::find_if(rest, end, [](char c) { return c != ' '; });
  const double bytes = number * unit_of(std::string(unit, end));
  constexpr double most = 1e18;
  if (!(bytes >= 1 && bytes <= most)) return std::nullopt;
  return static_cast<std::size_t>(bytes);
}

std::string byte_size_text(double bytes) {
  constexpr const char* units[] = {"kB", "MB", "GB", "TB"};
  if (bytes < 1000) return fmt::format("{:.0f} bytes", bytes);
  std::size_t unit = 0;
  double value = bytes / 1000;
  while (value >= 999.95 && unit + 1 < std::size(units)) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units[unit]);
}

}  // namespace headrace::cli
