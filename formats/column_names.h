#pragma once

#include <span>
#include <string>
#include <string_view>

namespace headrace {

// What a column of a list, or a key of a JSON object, holds by its name. Private to formats.
enum class ColumnRole {
  path,
  label,   // a class
  tags,    // several classes
  value,   // a number to be predicted, or several
  weight,  // of the row in the loss
  split,   // the part of the data that the row belongs to
  target,  // what moves with the image (list_columns.h)
  unknown,
};

// "File Name" -> "file_name".
std::string column_key(std::string_view text);

// Of a name in any case, with spaces or dashes for underscores: "File Name".
ColumnRole role_of_column(std::string_view name);

// The names of columns with a class: "label", "class", ...
std::span<const std::string_view> label_keys();

}  // namespace headrace
