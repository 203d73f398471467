#include "headrace/formats/json_value.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "headrace/formats/column_names.h"

namespace headrace {
namespace {

using nlohmann::json;

std::optional<std::string> scalar(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return std::string(value.get<bool>() ? "1" : "0");
  if (value.is_number()) return value.dump();
  return {};
}

json parse(std::string_view text) { return json::parse(text, nullptr, false); }

}  // namespace

std::optional<std::string> json_scalar_at(std::string_view text, std::string_view path) {
  const json document = parse(text);
  const json* value = &document;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t dot = std::min(path.find('.', begin), path.size());
    if (!value->is_object()) return {};
    const auto found = value->find(std::string(path.substr(begin, dot - begin)));
    if (found == value->end()) return {};
    value = &*found;
    begin = dot + 1;
  }
  return scalar(*value);
}

std::optional<std::string> json_label(std::string_view text) {
  const json document = parse(text);
  if (!document.is_object()) return {};
  for (const std::string_view key : label_keys()) {
    const auto found = document.find(std::string(key));
    if (found == document.end()) continue;
    if (auto value = scalar(*found)) return value;
  }
  return {};
}

}  // namespace headrace
