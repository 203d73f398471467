#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace headrace {

// The scalar that an object in JSON has at `path`, names joined by dots ("annotation.class"), as
// text; true and false are 1 and 0. Nothing if the text is no JSON, or has no scalar there. Private
// to formats.
std::optional<std::string> json_scalar_at(std::string_view json, std::string_view path);

// The first scalar at the top of an object that is called as label_keys() of column_names.h.
std::optional<std::string> json_label(std::string_view json);

}  // namespace headrace
