#include "headrace/formats/column_names.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "headrace/formats/list_columns.h"

namespace headrace {
namespace {

constexpr std::array<std::string_view, 16> path_keys = {
    "path",      "paths",    "file",       "filename",   "file_name",  "filepath",
    "file_path", "image",    "image_path", "image_file", "image_name", "image_id",
    "img",       "img_path", "name",       "x"};
constexpr std::array<std::string_view, 11> class_keys = {
    "label",    "labels",   "class",  "classes",     "class_name", "class_id",
    "label_id", "category", "target", "category_id", "y"};
constexpr std::array<std::string_view, 1> tag_keys = {"tags"};
constexpr std::array<std::string_view, 4> value_keys = {"value", "values", "score", "targets"};
constexpr std::array<std::string_view, 3> weight_keys = {"weight", "weights", "sample_weight"};
constexpr std::array<std::string_view, 4> split_keys = {"split", "subset", "fold", "partition"};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::span<const std::string_view> label_keys() { return class_keys; }

std::string column_key(std::string_view text) {
  std::string name(text);
  for (char& c : name) {
    c = c == ' ' || c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return name;
}

ColumnRole role_of_column(std::string_view text) {
  const std::string name = column_key(text);
  if (contains(path_keys, name)) return ColumnRole::path;
  if (contains(class_keys, name)) return ColumnRole::label;
  if (contains(tag_keys, name)) return ColumnRole::tags;
  if (contains(value_keys, name)) return ColumnRole::value;
  if (contains(weight_keys, name)) return ColumnRole::weight;
  if (contains(split_keys, name)) return ColumnRole::split;
  return ListColumn::is_target(name) ? ColumnRole::target : ColumnRole::unknown;
}

}  // namespace headrace
